"""Owners and modes: a spool that others could write is refused, with the command that mends it.

Never mends by itself: a wrong owner may be a mistake in the unit, not in the spool.
"""

import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from spool.durable import DIRECTORY_MODE
from spool.errors import SpoolUnusableError, mend


def make_directory(path: Path) -> None:
    """Make a directory where it is missing."""
    try:
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    except FileExistsError as error:
        raise SpoolUnusableError(f"{path}: is no directory; move it away") from error
    except NotADirectoryError as error:
        raise SpoolUnusableError(f"{path.parent}: is no directory; move it away") from error
    except (FileNotFoundError, PermissionError) as error:
        raise SpoolUnusableError(
            f"{path}: can't be made ({error.strerror}); mkdir -p {path.parent} and let {_me()} write there, "
            "or name another spool.path"
        ) from error
    except OSError as error:
        raise SpoolUnusableError(
            f"{path}: can't be made ({error.strerror}); {mend(error)}, or name another spool.path"
        ) from error


def check_owned(path: Path) -> None:
    """The directory is this user's, and others have no part in it. Raises SpoolUnusableError with the mend."""
    status = _status(path)
    if status.st_uid != os.geteuid():
        raise SpoolUnusableError(
            f"{path}: belongs to {_name(status.st_uid)}, not to {_me()}: chown {_me()} {path}"
        )
    _check_mode(path, status)
    if not os.access(path, os.W_OK | os.X_OK):
        raise SpoolUnusableError(f"{path}: {_me()} can't write there: chmod u+rwx {path}")


def check_readable(path: Path) -> None:
    """The directory can be listed by this user, and others have no part in it."""
    status = _status(path)
    _check_mode(path, status)
    if not os.access(path, os.R_OK | os.X_OK):
        raise SpoolUnusableError(
            f"{path}: {_me()} can't read it: add {_me()} to the group {status.st_gid} of {path}"
        )


def check_root(path: Path) -> None:
    """Nobody but its owner, who is root or this user, can put things there."""
    status = _status(path)
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        raise SpoolUnusableError(f"{path}: mode {mode:04o} lets others write: chmod 0750 {path}")
    if status.st_uid not in (0, os.geteuid()):
        raise SpoolUnusableError(
            f"{path}: belongs to {_name(status.st_uid)}, neither to root nor to {_me()}: chown root {path}"
        )


def is_shared(paths: Iterable[Path]) -> bool:
    """Whether some of these directories, where they exist, belong to other users."""
    return any(_owner(path) not in (None, os.geteuid()) for path in paths)


def _owner(path: Path) -> int | None:
    """None for a path that is not there, or just gone."""
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _status(path: Path) -> os.stat_result:
    try:
        status = path.lstat()
    except FileNotFoundError as error:
        raise SpoolUnusableError(f"{path}: is missing: mkdir -m 0750 {path}") from error
    except OSError as error:
        raise SpoolUnusableError(f"{path}: {error.strerror}: let {_me()} into {path.parent}") from error
    if stat.S_ISLNK(status.st_mode):
        raise SpoolUnusableError(
            f"{path}: is a symlink, which is not followed: put the directory itself there"
        )
    if not stat.S_ISDIR(status.st_mode):
        raise SpoolUnusableError(f"{path}: is no directory; move it away and mkdir -m 0750 {path}")
    return status


def _check_mode(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o027:
        raise SpoolUnusableError(f"{path}: mode {mode:04o} lets others in: chmod 0750 {path}")


def _me() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
