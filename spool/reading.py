"""Reading what may be hostile: plain files only, bounded, without ever following or blocking.

Diagnostics: EntryMissingError; EntryDamagedError for a symlink, a pipe, a device, a second hard
link, or a file over the limit; StorageError where the disk fails.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from spool.errors import EntryDamagedError, EntryMissingError, StorageError

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_plain(directory: int, name: str, where: Path) -> BinaryIO:
    """An open plain file of that directory; `where` is its path, for messages."""
    try:
        handle = os.open(name, _READ, dir_fd=directory)
    except FileNotFoundError as error:
        raise EntryMissingError(f"{where}: no such entry") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
            raise EntryDamagedError(
                f"{where}: not a plain file (a symlink, a socket or a device)"
            ) from error
        raise StorageError("can't be read", where, error) from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise EntryDamagedError(f"{where}: not a plain file")
    if status.st_nlink != 1:
        os.close(handle)
        raise EntryDamagedError(f"{where}: has {status.st_nlink} hard links, an entry has one")
    return os.fdopen(handle, "rb")


def read_plain(directory: int, name: str, where: Path, limit: int) -> bytes:
    """The whole content of a plain file of at most `limit` bytes."""
    with open_plain(directory, name, where) as stream:
        try:
            content = stream.read(limit + 1)
        except OSError as error:
            raise StorageError("can't be read", where, error) from error
    if len(content) > limit:
        raise EntryDamagedError(f"{where}: larger than {limit} bytes")
    return content
