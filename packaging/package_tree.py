"""The files of a package, in a directory."""

import gzip
import os
import sys
import time
from email.utils import formatdate
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from stages.console.install import environment, install_paths, installed_files  # noqa: E402
from stages.runtime.version import AGENT_VERSION  # noqa: E402

NAME = "compliance-agent"
DOCUMENTATION = Path("/usr/share/doc") / NAME
PYTHON = Path(f"/usr/bin/python3.{sys.version_info.minor}")
MAINTAINER = "compliance-agent maintainers <maintainers@compliance-agent.invalid>"
CHANGES = """\
compliance-agent ({version}) unstable; urgency=medium

  * Built from the sources; their changes are in changelog.gz.

 -- {maintainer}  {date}
"""


def fill(tree: Path, packager: str) -> None:
    """Everything that the package installs."""
    where = install_paths.packaged(packager)
    environment.make(below(tree, where.home), where.home, PYTHON, compiled=False)
    # Relative, as packages have their links.
    python = below(tree, where.home) / "bin/python3"
    python.unlink()
    python.symlink_to(os.path.relpath(PYTHON, where.home / "bin"))
    for path, text in installed_files.texts(where).items():
        if path == where.man_page:
            write_compressed(below(tree, path.with_name(f"{path.name}.gz")), text)
        else:
            write(below(tree, path), text)
    write_documents(tree)
    if packager == "deb":
        write_debian_documents(tree)
    command = below(tree, where.command)
    command.parent.mkdir(parents=True)
    command.symlink_to("../lib/compliance-agent/bin/compliance-agent")
    set_modes_and_times(tree)


def write_documents(tree: Path) -> None:
    """README, docs/ and what their links lead to, in the same places as in the sources."""
    documents = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    documents += [*(ROOT / "docs").rglob("*.md"), ROOT / "spool/README.md"]
    for document in documents:
        text = document.read_text().replace("(CHANGELOG.md)", "(changelog.gz)")
        write(below(tree, DOCUMENTATION / document.relative_to(ROOT)), text)
    changes = (ROOT / "CHANGELOG.md").read_text()
    write_compressed(below(tree, DOCUMENTATION / "changelog.gz"), changes)
    write(below(tree, DOCUMENTATION / "copyright"), (HERE / "copyright").read_text())


def write_debian_documents(tree: Path) -> None:
    changes = CHANGES.format(
        version=f"{AGENT_VERSION}-1", maintainer=MAINTAINER, date=formatdate(build_time())
    )
    write_compressed(below(tree, DOCUMENTATION / "changelog.Debian.gz"), changes)
    overrides = (HERE / "debian/lintian-overrides").read_text()
    write(below(tree, Path("/usr/share/lintian/overrides") / NAME), overrides)


def build_time() -> int:
    """The time of the build, or SOURCE_DATE_EPOCH."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


def set_modes_and_times(tree: Path) -> None:
    """The same modes whatever the umask of the build; one time for all."""
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (build_time(), build_time()), follow_symlinks=False)
        if path.is_symlink():
            continue
        if path.is_dir() or path.parent.name == "bin":
            path.chmod(0o755)
        else:
            path.chmod(0o644)


def below(tree: Path, path: Path) -> Path:
    """Where a path of the installed system is in the tree."""
    return tree / path.relative_to("/")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_compressed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
