"""Root file systems of Debian, each made once by debootstrap and kept outside the project.

`python3 -m tests.booted.rootfs RELEASE PACKAGE...` prints the path of an archive. It runs with the
standard library alone.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_RELEASES = {(3, 11): "bookworm", (3, 13): "trixie"}
_BOOTED = (
    *("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "openscap-scanner"),
    *("ca-certificates", "iproute2", "procps", "rpm", "util-linux"),
)
_PATIENCE_S = 480


class NoRootError(Exception):
    """No root file system can be made here; the text is the reason."""


def booted_archive() -> Path:
    """A tar of a root that boots. Its release has the same Python as the tests, so that what is
    built here runs there. Raises NoRootError.
    """
    release = _RELEASES.get(sys.version_info[:2])
    if release is None:
        raise NoRootError(
            f"no Debian release has Python {sys.version_info.major}.{sys.version_info.minor}"
        )
    return archive(release, _BOOTED)


def archive(release: str, packages: tuple[str, ...]) -> Path:
    """A tar of a minimal root with these packages. Raises NoRootError."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home /= "compliance-agent-tests"
    home.mkdir(parents=True, exist_ok=True)
    recipe = hashlib.sha256(repr((release, packages)).encode()).hexdigest()[:12]
    path = home / f"{release}-{recipe}.tar"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make(release, packages, path)
    return path


def _make(release: str, packages: tuple[str, ...], path: Path) -> None:
    if shutil.which("debootstrap") is None:
        raise NoRootError("debootstrap is missing: apt-get install debootstrap")
    with tempfile.TemporaryDirectory(prefix="root") as place:
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
        command += [release, place, *_mirror()]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
            )
        except subprocess.TimeoutExpired as error:
            raise NoRootError(f"debootstrap did not finish within {_PATIENCE_S} s") from error
        if done.returncode != 0:
            raise NoRootError(f"debootstrap: {done.stdout[-300:]}{done.stderr[-300:]}")
        new = path.with_suffix(".new")
        tar = ["tar", "--create", "--directory", place]
        tar += ["--exclude", "./var/cache/apt/archives/*.deb", "--file", str(new), "."]
        subprocess.run(tar, check=True)
        new.rename(path)


def _mirror() -> list[str]:
    """The mirror that apt uses here; none leaves the choice to debootstrap."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return []
    for line in done.stdout.splitlines():
        label, _, address = line.partition(" ")
        if label == "Debian":
            return [address]
    return []


def main() -> None:
    try:
        print(archive(sys.argv[1], tuple(sys.argv[2:])))
    except NoRootError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
