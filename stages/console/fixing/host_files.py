"""Files of this host as a fix finds and leaves them: what is compared, copied and restored.

Promises: links are never followed, not even in the path of a file, so that no one who may write
into one directory decides what root reads or writes in another one.

Diagnostics: OSError that names the path.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import PurePath
from typing import Literal

from schemas.records import Struct, field

Kind = Literal["file", "directory", "link", "other"]
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class HostFile(Struct, frozen=True):
    """What distinguishes two states of a path; times do not."""

    kind: Kind
    mode: int
    owner: int
    group: int
    sha256: str | None = None
    target: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Extended attributes (ACLs, SELinux, capabilities), in hex."""


class Scope(Struct, frozen=True):
    """What is copied."""

    trees: tuple[str, ...]
    """Directories with all that is in them."""
    named: tuple[str, ...]
    """Single paths; a directory without what is in it."""


def scope_of(trees: Sequence[str], named: Sequence[str]) -> Scope:
    """Paths without links in them; those that lie in a tree are part of it.

    A link that is named is one path, what it leads to another one.
    """
    roots = tuple(dict.fromkeys(map(os.path.realpath, trees)))
    found: list[str] = []
    for path in named:
        parent, name = os.path.split(path)
        found += [f"{os.path.realpath(parent).rstrip('/')}/{name}", os.path.realpath(path)]
    outside = [path for path in found if not any(_is_in(path, root) for root in roots)]
    return Scope(roots, tuple(dict.fromkeys(outside)))


def survey(scope: Scope) -> dict[str, HostFile]:
    """Every path of the scope that is there. Raises OSError."""
    found: dict[str, HostFile] = {}
    for path in _paths(scope):
        # What is removed meanwhile was not there.
        with suppress(FileNotFoundError, NotADirectoryError):
            found[path] = host_file(path)
    return found


def host_file(path: str) -> HostFile:
    """Raises OSError."""
    with parent_of(path) as (parent, name):
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        kind = kind_of(status)
        sha256 = target = None
        if kind == "file":
            sha256 = _digest(name, parent)
        elif kind == "link":
            target = os.readlink(name, dir_fd=parent)
        return HostFile(
            kind=kind,
            mode=stat.S_IMODE(status.st_mode),
            owner=status.st_uid,
            group=status.st_gid,
            sha256=sha256,
            target=target,
            attributes=_attributes(parent, name, kind),
        )


@contextmanager
def parent_of(path: str) -> Iterator[tuple[int, str]]:
    """The directory of a path, opened without following a link, and the path's name in it."""
    directory, name = os.path.split(path)
    handle = os.open("/", _DIRECTORY)
    try:
        for part in PurePath(directory).parts[1:]:
            inner = os.open(part, _DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle, name or "."
    finally:
        os.close(handle)


def kind_of(status: os.stat_result) -> Kind:
    if stat.S_ISREG(status.st_mode):
        return "file"
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    if stat.S_ISLNK(status.st_mode):
        return "link"
    return "other"


def through_handle(parent: int, name: str) -> str:
    """A path for calls that take no directory; the kernel goes by the open handle."""
    return f"/proc/self/fd/{parent}/{name}"


def _paths(scope: Scope) -> Iterator[str]:
    for tree in scope.trees:
        yield tree
        for place, directories, files in os.walk(tree):
            for name in (*directories, *files):
                yield f"{place.rstrip('/')}/{name}"
    yield from scope.named


def _is_in(path: str, tree: str) -> bool:
    return f"{path}/".startswith(f"{tree.rstrip('/')}/")


def open_plain(name: str, parent: int) -> BufferedReader:
    """An open file. Its directory's owner may have put a pipe there, which is never waited for.

    Raises OSError.
    """
    stream = os.fdopen(os.open(name, _PLAIN, dir_fd=parent), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "has become something else than a file", name)
    return stream


def _digest(name: str, parent: int) -> str:
    with open_plain(name, parent) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _attributes(parent: int, name: str, kind: Kind) -> dict[str, str]:
    if kind == "link":
        return {}
    path = through_handle(parent, name)
    found: dict[str, str] = {}
    # Not every file system has them.
    with suppress(OSError):
        for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
            found[attribute] = os.getxattr(path, attribute, follow_symlinks=False).hex()
    return found
