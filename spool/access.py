"""Whether a directory of the spool has the owner, group and mode of the table in `spool.layout`; if
not, the remedy.

Nothing is corrected here: a wrong owner may be a mistake in the unit, not in the spool.
"""

import errno
import grp
import os
import pwd
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from spool.durable import DIRECTORY_MODE
from spool.errors import SpoolUnusableError, StorageError, remedy
from spool.layout import Place

TMPFILES = "systemd-tmpfiles --create compliance-agent.conf"
"""Creates all directories of a spool that several users share, with owners, groups and modes."""

_OTHERS_IN, _OTHERS_WRITE = 0o027, 0o022
_ENTRY_MODES = {stat.S_IFREG: "0640", stat.S_IFDIR: "0750"}
# A user's own spool may lie in a directory that others can list; its boxes may not.
_LISTED_BY_OTHERS = ("", "commands")
_OF_DIRECTORIES = ("", "history", "quarantine", "state", "content")


class Fault(NamedTuple):
    """What is wrong with a path; the message ends with the remedy."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def judge(
    path: Path, place: Place, owners: Collection[int] | None, group: int | None, *, shared: bool
) -> Iterator[Fault]:
    """What is wrong with one directory, the owner first.

    `owners`: who may own it, the usual one first; None for anyone. `group`: its group; None for
    any. `shared`: whether several users share the spool. Then the mode must be that of the table;
    else it is enough that others have no access.
    """
    status = _directory_status(path, place, shared=shared)
    if isinstance(status, Fault):
        yield status
        return
    if owners is not None and status.st_uid not in owners:
        owner = user_name(next(iter(owners)))
        found = user_name(status.st_uid)
        # What is in a directory belongs to its owner, except for other directories of the spool.
        command = "chown -R"
        if place.path in _OF_DIRECTORIES:
            command = "chown"
        yield Fault(path, f"belongs to {found}, not to {owner}: {command} {owner} {path}")
    if group is not None and status.st_gid != group:
        found = group_name(status.st_gid)
        yield Fault(path, f"has the group {found}, not {group_name(group)}: {TMPFILES}")
    if shared:
        yield from _judge_exact_mode(path, place, status)
    else:
        yield from _judge_mode(path, place, status)


def judge_entry(path: Path, owner: int) -> Iterator[Fault]:
    """What is wrong with owner and mode of an entry."""
    status = path.lstat()
    right_mode = _ENTRY_MODES.get(stat.S_IFMT(status.st_mode))
    if right_mode is None:
        # A link, pipe or device in the place of an entry is damage, which reading it reports.
        return
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS_IN:
        yield Fault(path, f"mode {mode:04o} gives other users access: chmod {right_mode} {path}")
    if status.st_uid != owner:
        right = user_name(owner)
        found = user_name(status.st_uid)
        # -h: whoever owns the directory may have put a link there by the time the command is run.
        yield Fault(path, f"belongs to {found}, not to {right}: chown -h {right} {path}")


def _judge_mode(path: Path, place: Place, status: os.stat_result) -> Iterator[Fault]:
    mode = stat.S_IMODE(status.st_mode)
    excess, what = _OTHERS_IN, "gives other users access"
    if place.path in _LISTED_BY_OTHERS:
        excess, what = _OTHERS_WRITE, "lets other users write"
    if mode & excess:
        yield Fault(path, f"mode {mode:04o} {what}: chmod 0750 {path}")


def _judge_exact_mode(path: Path, place: Place, status: os.stat_result) -> Iterator[Fault]:
    wanted, found = place.mode & 0o777, stat.S_IMODE(status.st_mode)
    if found & 0o777 != wanted:
        reason = f"not {wanted:04o}"
        if found & _OTHERS_IN & ~wanted:
            reason = "gives other users access"
        yield Fault(path, f"mode {found:04o} {reason}: chmod {wanted:04o} {path}")
    gives_group = bool(place.mode & stat.S_ISGID)
    if bool(found & stat.S_ISGID) != gives_group:
        change = "g-s"
        if gives_group:
            change = "g+s"
        yield Fault(
            path,
            f"mode {found:04o}: files in it would get the wrong group: chmod {change} {path}",
        )


def _directory_status(path: Path, place: Place, *, shared: bool) -> os.stat_result | Fault:
    """The status of a directory, or what is wrong where there is none."""
    anew = f"mkdir -m {place.mode & 0o777:04o} {path}"
    if shared:
        anew = TMPFILES
    try:
        status = path.lstat()
    except FileNotFoundError:
        return Fault(path, f"is missing: {anew}")
    except OSError as error:
        return Fault(path, f"{error.strerror}: give {own_name()} access to {path.parent}")
    if stat.S_ISLNK(status.st_mode):
        return Fault(path, "is a symlink, which is not followed: put the directory itself there")
    if not stat.S_ISDIR(status.st_mode):
        return Fault(path, f"is not a directory: move it away and {anew}")
    return status


def check_writable(path: Path) -> None:
    """Raises SpoolUnusableError, and StorageError where the file system is read-only."""
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        read_only = OSError(errno.EROFS, os.strerror(errno.EROFS))
        raise StorageError("can't be written", path, read_only)
    if not os.access(path, os.W_OK | os.X_OK):
        raise SpoolUnusableError(f"{path}: {own_name()} can't write there: chmod u+rwx {path}")


def check_readable(path: Path) -> None:
    """Raises SpoolUnusableError."""
    if os.access(path, os.R_OK | os.X_OK):
        return
    status = path.lstat()
    right = TMPFILES
    if status.st_uid == os.geteuid():
        right = f"chmod u+rwx {path}"
    raise SpoolUnusableError(f"{path}: {own_name()} can't read it ({described(status)}): {right}")


def make_directory(path: Path) -> None:
    """Make a directory where it is missing. Raises SpoolUnusableError with the remedy."""
    try:
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    except FileExistsError as error:
        raise SpoolUnusableError(f"{path}: is not a directory; move it away") from error
    except NotADirectoryError as error:
        raise SpoolUnusableError(f"{path.parent}: is not a directory; move it away") from error
    except (FileNotFoundError, PermissionError) as error:
        raise SpoolUnusableError(
            f"{path}: can't be created ({error.strerror}); mkdir -p {path.parent} and give "
            f"{own_name()} write access there, or name another spool.path"
        ) from error
    except OSError as error:
        alternative = "or name another spool.path"
        if error.errno == errno.EROFS:
            # Under a unit all is read-only, except what is there when it starts.
            alternative += f"; under systemd: {TMPFILES}"
        raise SpoolUnusableError(
            f"{path}: is missing, and can't be created ({error.strerror}); {remedy(error)}, "
            f"{alternative}"
        ) from error


def described(status: os.stat_result) -> str:
    """Owner, group and mode."""
    owner = f"{user_name(status.st_uid)}:{group_name(status.st_gid)}"
    return f"{owner}, mode {stat.S_IMODE(status.st_mode):04o}"


def own_name() -> str:
    return user_name(os.geteuid())


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
