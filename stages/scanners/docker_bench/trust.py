"""Whether a script may be run as this user: only root and this user can have written it.

Checked are the script, the parts that it reads from beside itself, their directories, and all
directories above: a user who can rename one of those can put another script in its place. A
directory above may be open to all if it is sticky, as /tmp is.

Diagnostics: what others could write, and the command that fixes it.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

_PARTS = ("", "tests", "functions")
_OTHERS_WRITE = 0o022


def why_not_trusted(script: Path, *, with_parts: bool) -> str | None:
    """Why this script, given by its real path, must not be run; None where it may be."""
    for path in _paths_to_check(script, with_parts=with_parts):
        problem = _problem(path, is_above=path in script.parent.parents)
        if problem:
            return f"{path}: {problem}"
    return None


def _problem(path: Path, *, is_above: bool) -> str | None:
    try:
        status = path.lstat()
    except OSError as error:
        return f"can't be checked: {error.strerror}"
    me = _name(os.geteuid())
    if status.st_uid not in (0, os.geteuid()):
        owner = _name(status.st_uid)
        return f"belongs to {owner}, and would be run as {me}: chown root {path}"
    is_sticky = bool(status.st_mode & stat.S_ISVTX)
    if status.st_mode & _OTHERS_WRITE and not (is_above and is_sticky):
        mode = stat.S_IMODE(status.st_mode)
        return f"mode {mode:04o} lets others write what is run as {me}: chmod go-w {path}"
    return None


def _paths_to_check(script: Path, *, with_parts: bool) -> Iterator[Path]:
    """All that must belong to root or this user."""
    yield script
    yield script.parent
    yield from script.parent.parents
    if not with_parts:
        return
    for name in _PARTS:
        directory = script.parent / name
        if directory.is_dir():
            yield directory.resolve()
            yield from (path.resolve() for path in sorted(directory.glob("*.sh")))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
