"""Builds the Debian package: the agent with all its libraries, run by the distribution's Python.

The file tree is made by the modules that `install` uses, with the paths of a package; `dpkg-deb`
packs it. With SOURCE_DATE_EPOCH set, the same tree gives the same bytes.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stages.console.install import (  # noqa: E402
    environment,
    install_paths,
    installed_files,
)
from stages.runtime.version import AGENT_VERSION  # noqa: E402

HERE = ROOT / "packaging/debian"
NAME = "compliance-agent"
PYTHON = Path("/usr/bin/python3")
MINOR = sys.version_info.minor
VERSION = f"{AGENT_VERSION}-1"
MAINTAINER = "compliance-agent maintainers <maintainers@compliance-agent.invalid>"
CHANGES = """\
compliance-agent ({version}) unstable; urgency=medium

  * Built from the sources; their changes are in changelog.gz.

 -- {maintainer}  {date}
"""
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def main() -> None:
    system_python = output(str(PYTHON), "-V")
    if not system_python.startswith(f"Python 3.{MINOR}."):
        sys.exit(
            f"{PYTHON} is {system_python}, .venv is 3.{MINOR}: "
            f"remove .venv and run PYTHON={PYTHON} packaging/build-deb"
        )
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=dist) as place:
        tree = Path(place) / "tree"
        fill(tree)
        control(tree)
        architecture = output("dpkg", "--print-architecture")
        package = dist / f"{NAME}_{VERSION}_{architecture}.deb"
        # Built in a directory of its own and renamed, so that two builds at once do not mix.
        # -z1 takes a tenth of the time of the best compression, for a third more bytes.
        output("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(tree), place)
        next(Path(place).glob("*.deb")).rename(package)
    print(package)


def fill(tree: Path) -> None:
    """Everything that the package installs."""
    where = install_paths.packaged()
    environment.make(below(tree, where.home), where.home, PYTHON, compiled=False)
    documentation = below(tree, Path("/usr/share/doc") / NAME)
    for path, text in installed_files.texts(where).items():
        if path == where.man_page:
            compressed(below(tree, path.with_name(f"{path.name}.gz")), text)
        else:
            write(below(tree, path), text)
    write(documentation / "copyright", (HERE / "copyright").read_text())
    compressed(documentation / "changelog.gz", (ROOT / "CHANGELOG.md").read_text())
    changes = CHANGES.format(version=VERSION, maintainer=MAINTAINER, date=build_date())
    compressed(documentation / "changelog.Debian.gz", changes)
    write(
        below(tree, Path("/usr/share/lintian/overrides") / NAME),
        (HERE / "lintian-overrides").read_text(),
    )
    command = below(tree, where.command)
    command.parent.mkdir(parents=True)
    command.symlink_to("../lib/compliance-agent/bin/compliance-agent")
    set_modes(tree)


def set_modes(tree: Path) -> None:
    """The same modes whatever the umask of the build."""
    for path in tree.rglob("*"):
        if path.is_symlink():
            continue
        if path.is_dir() or path.parent.name == "bin":
            path.chmod(0o755)
        else:
            path.chmod(0o644)


def control(tree: Path) -> None:
    """The package's description, scripts and checksums."""
    size = sum(path.lstat().st_size for path in tree.rglob("*")) // 1024
    text = (HERE / "control").read_text()
    values = {
        "version": VERSION,
        "maintainer": MAINTAINER,
        "architecture": output("dpkg", "--print-architecture"),
        "minor": MINOR,
        "next_minor": MINOR + 1,
        "size": size,
    }
    write(tree / "DEBIAN/control", text.format(**values))
    for name in SCRIPTS:
        write(tree / "DEBIAN" / name, (HERE / name).read_text())
        (tree / "DEBIAN" / name).chmod(0o755)
    write(tree / "DEBIAN/md5sums", "".join(md5sum(tree, path) for path in packed_files(tree)))


def build_date() -> str:
    """The time of the build, or SOURCE_DATE_EPOCH, in the form that Debian changelogs use."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        return formatdate(float(epoch))
    return formatdate()


def packed_files(tree: Path) -> list[Path]:
    """Every regular file that the package installs, in a fixed order."""
    everything = sorted(path for path in tree.rglob("*") if "DEBIAN" not in path.parts)
    return [path for path in everything if path.is_file() and not path.is_symlink()]


def md5sum(tree: Path, path: Path) -> str:
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return f"{digest}  {path.relative_to(tree)}\n"


def below(tree: Path, path: Path) -> Path:
    """Where a path of the installed system is in the tree."""
    return tree / path.relative_to("/")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def compressed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
