"""The directory of fixes, outside of the spool: one directory for each fix that can be undone.

Security: root's alone. One that others may enter is refused, because copies of /etc contain
secrets.

Diagnostics: CommandError with the remedy.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.settings import FixSettings
from spool.access import user_name
from spool.errors import SpoolError
from spool.layout import is_command_id
from spool.lock import Lock
from stages.console.fixing.host_copy import BEFORE
from stages.runtime.command_error import CommandError, file_errors
from stages.runtime.exits import Exit

_MODE = 0o700


@contextmanager
def fix_directory(settings: FixSettings) -> Iterator[Path]:
    """The directory, which is this process's alone meanwhile. Raises CommandError."""
    path = Path(settings.directory)
    _check(path)
    lock = Lock(path / ".lock")
    try:
        lock.acquire("fix")
    except SpoolError as error:
        raise CommandError(str(error), Exit.BUSY) from error
    try:
        yield path
    finally:
        lock.release()


def new_directory(parent: Path, command_id: str, keep_last: int) -> Path:
    """A directory for a fix; those of the oldest fixes are removed. Raises CommandError."""
    kept = _by_age(parent)
    for name in kept[: max(0, len(kept) + 1 - keep_last)]:
        shutil.rmtree(parent / name, ignore_errors=True)
    directory = parent / command_id
    with file_errors(directory, "can't be made"):
        directory.mkdir(mode=_MODE)
    return directory


def kept_fixes(parent: Path) -> list[str]:
    """The ids of the fixes that have a copy, oldest first."""
    return [name for name in _by_age(parent) if _copied_at(parent / name)]


def _by_age(parent: Path) -> list[str]:
    """The ids of all fixes, those without a copy first, for which nothing was run."""
    paths = [path for path in parent.iterdir() if is_command_id(path.name)]
    return [path.name for path in sorted(paths, key=_copied_at)]


def _copied_at(directory: Path) -> int:
    """When the copy was complete, in nanoseconds; 0 where it never was.

    Ids show no order: one of the server's is older than its fix, and two of one second differ by
    chance. Only one fix runs at a time.
    """
    try:
        return (directory / BEFORE).stat().st_mtime_ns
    except OSError:
        return 0


def _check(path: Path) -> None:
    with file_errors(path, "can't be made"):
        path.mkdir(mode=_MODE, parents=True, exist_ok=True)
        status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise CommandError(f"{path}: is not a directory: move it away")
    if status.st_uid != os.geteuid():
        owner = user_name(status.st_uid)
        raise CommandError(f"{path}: belongs to {owner}: chown {user_name(os.geteuid())} {path}")
    if status.st_mode & 0o077:
        raise CommandError(f"{path}: other users have access: chmod 0700 {path}")
