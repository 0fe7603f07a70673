"""Durable writing: the only module that renames and syncs.

Promises: a name that is visible is complete and on the disk, also after a power cut: write to a dot
name in the same directory, sync the file, rename, sync the directory. A name is never written
twice: its one writer checks first (it holds the stage's lock). A file whose sync failed is thrown
away, never synced again.

All operations are relative to an open directory, so a path that is replaced cannot redirect them.

Diagnostics: OSError, for the caller to translate; the dot name is gone by then.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

FILE_MODE = 0o640
DIRECTORY_MODE = 0o750
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SYNCS_AT_ONCE = 32
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_directory(path: Path | str, at: int | None = None) -> int:
    """A file descriptor of a directory; symlinks are not followed."""
    return os.open(path, _DIRECTORY, dir_fd=at)


def write(
    directory: int,
    name: str,
    *content: bytes,
    replace: bool = False,
    mode: int = FILE_MODE,
) -> None:
    """Make `name` appear with the pieces of `content`, one after the other.

    Raises FileExistsError for a name that is there, unless `replace`.
    """
    if not replace and exists(directory, name):
        raise FileExistsError(name)
    temporary = f".{name}.tmp"
    handle = _open_new(directory, temporary)
    with _removed_on_failure(directory, temporary):
        try:
            # Whatever the umask of an operator's shell: the next stage must be able to read it.
            os.fchmod(handle, mode)
            _write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)


def write_all(directory: int, files: Mapping[str, bytes]) -> None:
    """Make many names appear, each with its content; those that are there stay as they are.

    One after the other they would take two syncs each, a minute for ten thousand. Here the syncs
    of the files run side by side, for which a file system writes its journal once, and the
    directory is synced at the end. A crash leaves some of the names.
    """
    from concurrent.futures import ThreadPoolExecutor  # of the operator's commands alone

    drafts = {f".{name}.tmp": name for name in files if not exists(directory, name)}
    try:
        for temporary, name in drafts.items():
            with os.fdopen(_open_new(directory, temporary), "wb", buffering=0) as target:
                os.fchmod(target.fileno(), FILE_MODE)
                _write_all(target.fileno(), [files[name]])
        with ThreadPoolExecutor(_SYNCS_AT_ONCE) as threads:
            for _ in threads.map(lambda temporary: sync_file(directory, temporary), drafts):
                pass
        for temporary, name in drafts.items():
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        for temporary in drafts:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
        raise
    os.fsync(directory)


def write_chunks(
    directory: int,
    name: str,
    chunks: Iterable[bytes],
    *,
    replace: bool = False,
    mode: int = FILE_MODE,
    owner: tuple[int, int] | None = None,
) -> None:
    """As `write`, with content of any length.

    `owner`: user and group; None: those of this process. Raises FileExistsError, OSError.
    """
    temporary = f".{name}.tmp"
    with (
        os.fdopen(_open_new(directory, temporary), "wb") as target,
        _removed_on_failure(directory, temporary),
    ):
        if owner is not None:
            os.fchown(target.fileno(), *owner)
        os.fchmod(target.fileno(), mode)
        target.writelines(chunks)
        target.flush()
        publish_file(directory, temporary, name, replace=replace)


def publish_directory(parent: int, temporary: str, name: str) -> None:
    """Make a finished directory appear as `name`: sync its files and itself, rename it, sync the
    parent.
    """
    # rename(2) would replace an empty directory of this name without an error.
    if exists(parent, name):
        raise FileExistsError(name)
    directory = open_directory(temporary, parent)
    try:
        for entry in names(directory):
            sync_file(directory, entry)
        os.fsync(directory)
    finally:
        os.close(directory)
    os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    os.fsync(parent)


def publish_file(directory: int, temporary: str, name: str, *, replace: bool = False) -> None:
    """Make a finished file appear as `name`: sync it, rename it, sync the directory."""
    if not replace and exists(directory, name):
        raise FileExistsError(name)
    sync_file(directory, temporary)
    os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)


def move(source: int, name: str, target: int, new_name: str) -> None:
    """Move an entry to another directory of the same file system, and put both on the disk."""
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
    # The target first: where a file system writes the two at different times, a power cut may leave
    # the entry in both directories, never in neither.
    os.fsync(target)
    os.fsync(source)


def sync_file(directory: int, name: str) -> None:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def each_name(directory: int) -> Iterator[str]:
    """The names in an open directory.

    A handle that stays open is rewound first: on btrfs it shows no name that is newer than its
    last rewind.
    """
    os.lseek(directory, 0, os.SEEK_SET)
    with os.scandir(directory) as found:
        for entry in found:
            yield entry.name


def names(directory: int) -> list[str]:
    """The names in an open directory."""
    return list(each_name(directory))


def exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def remove(directory: int, name: str) -> None:
    """Remove a file, or a directory with all that is in it; nothing where it is already gone. Never
    follows a symlink.

    A scanner may nest directories deeper than this process can recurse or hold open: each one found
    is moved up beside `name`, under a dot name, which a sweep removes after a crash.
    """
    left = [name]
    while left:
        current = left.pop()
        with contextlib.suppress(FileNotFoundError):
            if not _is_directory(directory, current):
                os.unlink(current, dir_fd=directory)
                continue
            inner = open_directory(current, directory)
            try:
                left += _emptied(inner, directory)
            finally:
                os.close(inner)
            os.rmdir(current, dir_fd=directory)


def _emptied(inner: int, outer: int) -> list[str]:
    """Unlink the files of a directory, and move its directories to `outer`: their new names."""
    moved = []
    for entry in names(inner):
        if not _is_directory(inner, entry):
            os.unlink(entry, dir_fd=inner)
            continue
        # Random: another directory that was moved up may have had the same name.
        name = f".removed-{os.urandom(8).hex()}"
        os.rename(entry, name, src_dir_fd=inner, dst_dir_fd=outer)
        moved.append(name)
    return moved


def _is_directory(directory: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)


@contextlib.contextmanager
def _removed_on_failure(directory: int, temporary: str) -> Iterator[None]:
    """What is written under a dot name goes where writing fails."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _open_new(directory: int, name: str) -> int:
    """A new file. What a crash left under this name is removed first."""
    try:
        return os.open(name, _NEW, FILE_MODE, dir_fd=directory)
    except FileExistsError:
        os.unlink(name, dir_fd=directory)
        return os.open(name, _NEW, FILE_MODE, dir_fd=directory)


def _write_all(handle: int, content: Sequence[bytes]) -> None:
    pieces = [memoryview(piece) for piece in content if piece]
    while pieces:
        written = os.writev(handle, pieces)
        # A disk that is nearly full takes a part.
        while pieces and written >= len(pieces[0]):
            written -= len(pieces.pop(0))
        if pieces:
            pieces[0] = pieces[0][written:]
