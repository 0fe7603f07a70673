"""A Debian root file system with systemd, made once and kept outside the project.

Its release has the same Python as the tests, so that what is built here runs there.
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
_MIRROR = "http://deb.debian.org/debian"
_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "openscap-scanner"),
    *("ca-certificates", "iproute2", "procps", "util-linux"),
)
_PATIENCE_S = 480


class NoRootError(Exception):
    """No root file system can be made here; the text is the reason."""


def root_archive() -> Path:
    """A tar of the root file system. Raises NoRootError."""
    release = _RELEASES.get(sys.version_info[:2])
    if release is None:
        raise NoRootError(
            f"no Debian release has Python {sys.version_info.major}.{sys.version_info.minor}"
        )
    home = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compliance-agent-tests"
    )
    home.mkdir(parents=True, exist_ok=True)
    recipe = hashlib.sha256(repr((release, _PACKAGES)).encode()).hexdigest()[:12]
    archive = home / f"{release}-{recipe}.tar"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _make(release, archive)
    return archive


def _make(release: str, archive: Path) -> None:
    if shutil.which("debootstrap") is None:
        raise NoRootError("debootstrap is missing: apt-get install debootstrap")
    with tempfile.TemporaryDirectory(prefix="root") as place:
        message = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
        message += [release, place, _MIRROR]
        try:
            done = subprocess.run(
                message, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
            )
        except subprocess.TimeoutExpired as error:
            raise NoRootError(f"debootstrap did not finish within {_PATIENCE_S} s") from error
        if done.returncode != 0:
            raise NoRootError(f"debootstrap: {done.stdout[-300:]}{done.stderr[-300:]}")
        new = archive.with_suffix(".new")
        message = [
            "tar",
            "--create",
            "--directory",
            place,
            "--exclude",
            "./var/cache/apt/archives/*.deb",
        ]
        subprocess.run([*message, "--file", str(new), "."], check=True)
        new.rename(archive)
