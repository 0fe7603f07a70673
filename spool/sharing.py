"""A spool that several users share, as the systemd units have it: owners, groups and modes of its
directories.

Promises: a stage starts only where it alone can write what is its own, where it can read what it
must, and where nobody else can. What only makes sense for the whole (groups, a missing directory)
is mended by making it anew; both mends are commands for root.

Diagnostics: SpoolUnusableError, which ends with the mend.
"""

import grp
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from spool import access
from spool.access import ANEW
from spool.errors import SpoolUnusableError
from spool.layout import OUTBOX, READER, UPSTREAM, Stage

_COMMON = (
    "",
    "history",
    "quarantine",
    "state",
    "commands",
    "history/commands",
    "quarantine/commands",
)
_MODE = 0o750


def is_shared(paths: Iterable[Path]) -> bool:
    """Whether some of these directories, where they exist, belong to other users."""
    return any(_owner(path) not in (None, os.geteuid()) for path in paths)


def _owner(path: Path) -> int | None:
    """None for a path that is not there, or just gone."""
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def check_way(root: Path) -> None:
    """This user can get to every directory of the spool, as far as it exists."""
    for path in (root.parent, *(root / name for name in ("", "history", "quarantine", "state"))):
        if os.path.lexists(path) and not os.access(path, os.R_OK | os.X_OK):
            status = path.lstat()
            remedy = f"chmod {_MODE:04o} {path}" if status.st_uid == os.geteuid() else ANEW
            raise SpoolUnusableError(
                f"{path}: {access.me()} can't get in ({_told(status)}): {remedy}"
            )


def check(root: Path, stage: Stage) -> None:
    """All that a stage needs of a shared spool is as it must be."""
    _check_parent(root.parent)
    box, group = OUTBOX[stage], root.lstat().st_gid
    own = [root / name for name in (box, f"history/{box}", f"quarantine/{box}")]
    for path in own:
        access.check_owner(path)
    for path in (root / name for name in _COMMON):
        access.check_root(path)
        # setgid: what root puts into commands/ is for the stages.
        _check(path, group, handed_over=path == root / "commands")
    others = {UPSTREAM[stage], "receipts"} - {"commands", box}
    for path in (*own, *(root / name for name in sorted(others))):
        _check(path, group, handed_over=False)
    _check_notes(root / "state", stage)
    for path in _inbox(root, stage):
        access.check_owner(path)
        _check(path, os.getegid(), handed_over=True)


def _check_parent(path: Path) -> None:
    """Nobody can put another spool into the place of this one."""
    status = path.lstat()
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise SpoolUnusableError(f"{path}: {_told(status)}: lets others write: chmod go-w {path}")
    if status.st_uid not in (0, os.geteuid()):
        raise SpoolUnusableError(f"{path}: {_told(status)}: must be root's: chown root {path}")


def _check(path: Path, group: int, *, handed_over: bool) -> None:
    """Group and mode; `handed_over`: whether the directory gives its group to what is put there."""
    status = path.lstat()
    if status.st_gid != group:
        raise SpoolUnusableError(
            f"{path}: has the group {_group(status.st_gid)}, not {_group(group)}: {ANEW}"
        )
    if status.st_mode & 0o777 != _MODE:
        raise SpoolUnusableError(
            f"{path}: {_told(status)}, not {_MODE:04o}: chmod {_MODE:04o} {path}"
        )
    if bool(status.st_mode & stat.S_ISGID) != handed_over:
        raise SpoolUnusableError(
            f"{path}: {_told(status)}: the wrong group could read what is put there: "
            f"chmod g{'+' if handed_over else '-'}s {path}"
        )


def _check_notes(state: Path, stage: Stage) -> None:
    """A stage's own notes, which the stage before it reads, and those that it reads itself."""
    own = state / stage
    access.check_owned(own)
    status = own.lstat()
    if status.st_gid != os.getegid() and not status.st_mode & stat.S_ISGID:
        raise SpoolUnusableError(
            f"{own}: {_told(status)}: the stage before could not read these notes: chmod g+s {own}"
        )
    reader = READER.get(OUTBOX[stage])
    if reader and not os.access(state / reader, os.R_OK | os.X_OK):
        status = (state / reader).lstat()
        raise SpoolUnusableError(
            f"{state / reader}: {access.me()} can't read it ({_told(status)}): {ANEW}"
        )


def _inbox(root: Path, stage: Stage) -> Iterator[Path]:
    for path in (root / "inbox", root / "inbox/refused") if stage == "trigger" else ():
        if not path.exists():
            raise SpoolUnusableError(f"{path}: is missing, and others own this spool, too: {ANEW}")
        yield path


def _told(status: os.stat_result) -> str:
    owner = f"{access.name(status.st_uid)}:{_group(status.st_gid)}"
    return f"{owner}, mode {stat.S_IMODE(status.st_mode):04o}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
