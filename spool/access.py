"""Owners and modes: a spool that others could write is refused, with the command that mends it.

Never mends by itself: a wrong owner may be a mistake in the unit, not in the spool.
"""

import errno
import os
import pwd
import stat
from pathlib import Path

from spool.durable import DIRECTORY_MODE
from spool.errors import SpoolUnusableError, remedy

ANEW = "systemd-tmpfiles --create compliance-agent.conf"
"""Makes all directories of a spool that several users share, with owners, groups and modes."""


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
            f"{path}: can't be made ({error.strerror}); mkdir -p {path.parent} and let {me()} "
            "write there, "
            "or name another spool.path"
        ) from error
    except OSError as error:
        # Under a unit all is read-only, except what is there when it starts.
        anew = f"; under systemd: {ANEW}" if error.errno == errno.EROFS else ""
        raise SpoolUnusableError(
            f"{path}: is missing, and can't be made ({error.strerror}); {remedy(error)}, "
            f"or name another spool.path{anew}"
        ) from error


def check_owner(path: Path) -> os.stat_result:
    """The directory is this user's. Raises SpoolUnusableError with the mend."""
    status = _status(path)
    if status.st_uid != os.geteuid():
        raise SpoolUnusableError(
            f"{path}: belongs to {name(status.st_uid)}, not to {me()}: chown -R {me()} {path}"
        )
    return status


def check_owned(path: Path) -> None:
    """The directory is this user's, and others have no part in it. Raises SpoolUnusableError with
    the mend.
    """
    _check_mode(path, check_owner(path))
    if not os.access(path, os.W_OK | os.X_OK):
        raise SpoolUnusableError(f"{path}: {me()} can't write there: chmod u+rwx {path}")


def check_readable(path: Path) -> None:
    """The directory can be listed by this user, and others have no part in it."""
    status = _status(path)
    _check_mode(path, status)
    if not os.access(path, os.R_OK | os.X_OK):
        raise SpoolUnusableError(f"{path}: {me()} can't read it: chmod u+rwx {path}")


def check_root(path: Path) -> None:
    """Nobody but its owner, who is root or this user, can put things there."""
    status = _status(path)
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        raise SpoolUnusableError(f"{path}: mode {mode:04o} lets others write: chmod 0750 {path}")
    if status.st_uid not in (0, os.geteuid()):
        raise SpoolUnusableError(
            f"{path}: belongs to {name(status.st_uid)}, neither to root nor to {me()}: chown root "
            f"{path}"
        )


def _status(path: Path) -> os.stat_result:
    try:
        status = path.lstat()
    except FileNotFoundError as error:
        raise SpoolUnusableError(f"{path}: is missing: mkdir -m 0750 {path}") from error
    except OSError as error:
        raise SpoolUnusableError(
            f"{path}: {error.strerror}: let {me()} into {path.parent}"
        ) from error
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


def me() -> str:
    return name(os.geteuid())


def name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
