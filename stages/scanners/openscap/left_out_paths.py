"""The paths to leave out that exist on this host, in the form in which oscap compares them.

oscap walks directories without following links, so the paths must have none. A link is followed
where only root can have made it. Any other link is not: its owner could have all of `/` left out.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from stages.scanners.path_trust import why_changeable

_MAX_LINKS = 40


def left_out_paths(configured: Sequence[str]) -> tuple[str, ...]:
    """The configured paths that exist, in their order, each once."""
    found: dict[str, None] = {}
    for path in configured:
        if os.path.lexists(path):
            found[_without_links(path) or path] = None
    return tuple(found)


def _without_links(path: str) -> str | None:
    """The path with its links followed; None where a link is not to be followed, or the result
    can't be given to oscap.

    As the kernel does it: the names are taken one by one, and the target of a link is put before
    the names that are left. With `/var/lib` linked to `../data`, `/var/lib/x` goes through
    `/var/../data/x` to `/data/x`.
    """
    names_left = _reversed_names(path)
    current = Path("/")
    links = 0
    while names_left:
        name = names_left.pop()
        if name == "..":
            current = current.parent
            continue
        following = current / name
        if not following.is_symlink():
            current = following
            continue
        links += 1
        if links > _MAX_LINKS or not _is_of_root(following):
            return None
        target = str(following.readlink())
        if target.startswith("/"):
            current = Path("/")
        names_left += _reversed_names(target)
    return _if_usable(str(current))


def _reversed_names(path: str) -> list[str]:
    return path.split("/")[::-1]


def _if_usable(path: str) -> str | None:
    """The path, unless oscap would leave everything out by it, or read it as several."""
    if path == "/" or ":" in path or not path.isprintable():
        return None
    return path


def _is_of_root(link: Path) -> bool:
    """Whether other users can neither have made this link nor replace it."""
    if link.lstat().st_uid not in (0, os.geteuid()):
        return False
    for directory in link.parents:
        is_sticky = bool(directory.lstat().st_mode & stat.S_ISVTX)
        if why_changeable(directory, "read", is_above=is_sticky) is not None:
            return False
    return True
