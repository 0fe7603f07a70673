"""Whether the file system under a spool keeps what the spool promises: owners and modes, a rename
that replaces nothing half, a sync that reaches the disk.

Diagnostics: SpoolUnusableError for one that can't; a warning for one that may not.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from spool.errors import SpoolUnusableError
from spool.layout import DIRECTORIES

_WITHOUT_OWNERS = frozenset({"vfat", "msdos", "exfat", "ntfs", "ntfs3", "hfs", "hfsplus"})
_OF_OTHER_HOSTS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "glusterfs", "lustre", "virtiofs"}
)
_WITHOUT_SYNC = frozenset({"volatile", "fsync=volatile"})
"""How kernels show an overlay that syncs nothing; later ones by the second."""
_ELSEWHERE = "put the spool on a local file system (ext4, xfs, btrfs)"
_LINE = re.compile(
    r"^\S+ \S+ \S+ \S+ (?P<point>\S+) .* - (?P<kind>\S+) \S* (?P<options>\S+)$", re.MULTILINE
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of mountinfo, proc(5)."""

    point: str
    kind: str
    options: frozenset[str]


_UNKNOWN = Mount("", "", frozenset())
"""Where the kernel lists none, as in some sandboxes."""


def check(root: Path) -> None:
    """Raises SpoolUnusableError where entries could not be moved or protected there."""
    mount = mount_of(root, _mounts())
    if mount.kind in _WITHOUT_OWNERS:
        raise SpoolUnusableError(
            f"{root}: is on {mount.kind}, which knows no owners and modes: {_ELSEWHERE}"
        )
    device = root.stat().st_dev
    for place in DIRECTORIES:
        path = root / place.path
        if path.is_dir() and path.stat().st_dev != device:
            raise SpoolUnusableError(
                f"{path}: is another file system than {root}, and entries can't be moved between "
                f"them: unmount it"
            )


def warning(root: Path) -> str | None:
    """Why entries may be lost there in a power cut or a disconnection, and what to do."""
    mount = mount_of(root, _mounts())
    if mount.kind in _OF_OTHER_HOSTS or mount.kind.startswith("fuse"):
        return (
            f"{root}: is on {mount.kind}, where renames, locks and syncs may not hold: {_ELSEWHERE}"
        )
    if mount.options & _WITHOUT_SYNC:
        return f"{root}: is on an overlay that syncs nothing (volatile): {_ELSEWHERE}"
    return None


def mount_of(root: Path, mounts: Iterable[Mount]) -> Mount:
    """The mount under a path: the last one of those whose mount point is nearest."""
    path = Path(os.path.realpath(root))
    above = [mount for mount in mounts if path.is_relative_to(mount.point)]
    return max(reversed(above), key=lambda mount: len(mount.point), default=_UNKNOWN)


def parse(mountinfo: str) -> list[Mount]:
    """The mounts of a mountinfo, in its order."""
    mounts = []
    for line in _LINE.finditer(mountinfo):
        point = _ESCAPE.sub(_unescaped, line["point"])
        mounts.append(Mount(point, line["kind"], frozenset(line["options"].split(","))))
    return mounts


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))


def _mounts() -> list[Mount]:
    try:
        return parse(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    except OSError:
        return []
