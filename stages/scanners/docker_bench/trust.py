"""Whether a script may be run as this user: nobody but root and this user can have written it.

Looked at are the script, the parts that it reads from beside itself, their directories, and all directories above:
who can rename one of those can put another script in its place. A directory above may be open to all if it is sticky,
as /tmp is.

Diagnostics: what others could write, and the command that mends it.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

_PARTS = ("", "tests", "functions")


def why_not_trusted(script: Path, *, with_parts: bool) -> str | None:
    """Why this script, given by its real path, must not be run; None where it may be."""
    for path in _written_by_others(script, with_parts=with_parts):
        try:
            status = path.lstat()
        except OSError as error:
            return f"{path}: can't be looked at: {error.strerror}"
        if status.st_uid not in (0, os.geteuid()):
            return f"{path}: belongs to {_name(status.st_uid)}, and would be run as {_me()}: chown root {path}"
        sticky_above = status.st_mode & stat.S_ISVTX and path in script.parent.parents
        if status.st_mode & 0o022 and not sticky_above:
            mode = stat.S_IMODE(status.st_mode)
            return f"{path}: mode {mode:04o} lets others write what is run as {_me()}: chmod go-w {path}"
    return None


def _written_by_others(script: Path, *, with_parts: bool) -> Iterator[Path]:
    """All that must belong to root or this user."""
    yield script
    yield script.parent
    yield from script.parent.parents
    if with_parts:
        for name in _PARTS:
            directory = script.parent / name
            if directory.is_dir():
                yield directory.resolve()
                yield from (path.resolve() for path in sorted(directory.glob("*.sh")))


def _me() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
