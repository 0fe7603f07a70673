"""Reading what may be hostile: plain files only, bounded, without ever following or blocking.

Diagnostics: EntryMissingError; EntryDamagedError for a symlink, a pipe, a device, a second hard
link, or a file over the limit; EntryUnreadableError where the disk or the file's mode refuses it;
StorageError for a limit of the machine. All name the path.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from schemas import codec
from spool.errors import EntryDamagedError, EntryMissingError, NewerFormatError, read_error

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

_HEAD_BYTES = 256
Check = Callable[[bytes, int], str | None]
"""Why a file is not read, by its first bytes and its length; None where it is."""


def unchecked(head: bytes, length: int) -> str | None:  # noqa: ARG001
    return None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is wrong with an entry names its path; what does not decode is damaged."""
    try:
        yield
    except (EntryDamagedError, codec.SchemaError) as error:
        raise EntryDamagedError(f"{path}: {error}") from error
    except NewerFormatError as error:
        raise NewerFormatError(f"{path}: {error}") from error


def open_plain(directory: int, name: str, parent: Path) -> BufferedReader:
    """An open plain file of that directory; `parent` is the directory's path, for messages."""
    return os.fdopen(_open(directory, name, parent), "rb")


def read_plain(
    directory: int, name: str, parent: Path, limit: int, check: Check = unchecked
) -> bytes:
    """The whole content of a plain file of at most `limit` bytes. `check` may refuse it before the
    rest is read.
    """
    with open_plain(directory, name, parent) as stream:
        # A file may be longer than the space that it takes: no memory is spent to find that out.
        length = os.fstat(stream.fileno()).st_size
        try:
            # First: an entry of a later version may be longer than this one reads.
            reason = check(stream.peek(_HEAD_BYTES)[:_HEAD_BYTES], length)
            if reason is None and length > limit:
                reason = f"larger than {limit} bytes"
            if reason is not None:
                raise EntryDamagedError(f"{parent / name}: {reason}")
            # What is written behind its end meanwhile is not part of an entry.
            return stream.read(length)
        except OSError as error:
            raise read_error(parent / name, error) from error


def read_start(directory: int, name: str, parent: Path, length: int) -> bytes:
    """The first `length` bytes of a plain file, or all where it is shorter.

    Cheap, because ship needs the start of every report that waits: one read, and the system is
    advised not to read ahead, which would fetch 128 KiB for each.
    """
    handle = _open(directory, name, parent)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
        return os.read(handle, length)
    except OSError as error:
        raise read_error(parent / name, error) from error
    finally:
        os.close(handle)


def _open(directory: int, name: str, parent: Path) -> int:
    try:
        handle = os.open(name, _READ, dir_fd=directory)
    except FileNotFoundError as error:
        raise EntryMissingError(f"{parent / name}: no such entry") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
            raise EntryDamagedError(
                f"{parent / name}: not a plain file (a symlink, a socket or a device)"
            ) from error
        raise read_error(parent / name, error) from error
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return handle
    os.close(handle)
    if not stat.S_ISREG(status.st_mode):
        raise EntryDamagedError(f"{parent / name}: not a plain file")
    raise EntryDamagedError(f"{parent / name}: has {status.st_nlink} hard links, an entry has one")
