"""Whether only root and this user can have written a path: a file that others can change is neither
run nor read as root.

A user who can rename a directory above can put another file in its place, so the directories above
count as well. One of those may be open to all if it is sticky, as /tmp is.

Diagnostics: what others could write, and the command that fixes it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from schemas.records import Struct
from spool.access import user_name

Use = Literal["run", "read"]
_OTHERS_WRITE = 0o022


class Changeable(Struct, frozen=True):
    """A path that others can change, and the command that ends this."""

    path: Path
    reason: str
    program: str
    """`chown root` or `chmod go-w`."""
    is_for_everyone: bool = False
    """Whether this is a directory such as /tmp, whose mode has to stay as it is."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.program} {self.path}"


def why_changeable(path: Path, use: Use, *, is_above: bool = False) -> Changeable | None:
    """Why others can change this path; None where they can't.

    `is_above`: the path is a directory above that of the file.
    """
    try:
        status = path.lstat()
    except OSError as error:
        return Changeable(path, f"can't be checked: {error.strerror}", "ls -l")
    me = user_name(os.geteuid())
    if status.st_uid not in (0, os.geteuid()):
        owner = user_name(status.st_uid)
        return Changeable(path, f"belongs to {owner}, and would be {use} as {me}", "chown root")
    is_sticky = bool(status.st_mode & stat.S_ISVTX)
    if status.st_mode & _OTHERS_WRITE and not (is_above and is_sticky):
        mode = stat.S_IMODE(status.st_mode)
        reason = f"mode {mode:04o} lets other users write what is {use} as {me}"
        is_for_everyone = is_sticky and bool(status.st_mode & stat.S_IWOTH)
        return Changeable(path, reason, "chmod go-w", is_for_everyone)
    return None


def why_file_changeable(file: Path) -> str | None:
    """Why others can change what is read through this path, whose links are followed.

    The text begins with a path. None where they can't.
    """
    for path, is_above in _paths_to_file(file):
        problem = why_changeable(path, "read", is_above=is_above)
        if problem is None:
            continue
        if problem.is_for_everyone:
            return (
                f"{file}: is in {path}, where every user can write: move it to a directory that "
                "only root can write"
            )
        return f"{path}: {problem}"
    return None


def _paths_to_file(file: Path) -> Iterator[tuple[Path, bool]]:
    """The file, its directory and those above, each with whether it is above the directory."""
    real = file.resolve()
    yield real, False
    if real.parent != file.parent.resolve():
        # A link: whoever can change its directory decides where it leads.
        yield file.parent.resolve(), False
    yield real.parent, False
    for directory in real.parent.parents:
        yield directory, True
