"""Of the paths to leave out those that this host has, as oscap has to be given them.

oscap compares the paths that it walks, which have no links. So links are followed where only root
can have made them. Any other link is not: whoever made it could have all of `/` left out.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from stages.scanners.path_trust import why_changeable

_MAX_LINKS = 40


def left_out_paths(configured: Sequence[str]) -> tuple[str, ...]:
    """In their order, each once."""
    found: dict[str, None] = {}
    for path in configured:
        if os.path.lexists(path):
            found[_without_links(path) or path] = None
    return tuple(found)


def _without_links(path: str) -> str | None:
    """None where a link on the way is not to be followed."""
    names = path.split("/")[::-1]
    current = Path("/")
    links = 0
    while names:
        name = names.pop()
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
        names += target.split("/")[::-1]
    real = str(current)
    if real == "/" or ":" in real or not real.isprintable():
        return None
    return real


def _is_of_root(link: Path) -> bool:
    """Whether nobody else can have made this link, nor can put another one in its place."""
    if link.lstat().st_uid not in (0, os.geteuid()):
        return False
    for directory in link.parents:
        is_sticky = bool(directory.lstat().st_mode & stat.S_ISVTX)
        if why_changeable(directory, "read", is_above=is_sticky) is not None:
            return False
    return True
