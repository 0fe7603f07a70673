"""inotify(7): changes in directories, as a file handle for the main loop's poll.

Three functions of the C library, and the form of what is read. A library for it would bring threads
that forward each event, and more memory than the rest of the main loop.

Security: names come from whoever may write in a watched directory; they are compared and nothing
else.
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# <sys/inotify.h>
CREATED, MOVED_IN, CLOSED_AFTER_WRITE = 0x100, 0x80, 0x8
_OVERFLOW, _ONLY_DIRECTORIES, _ADD_TO_MASK = 0x4000, 0x01000000, 0x20000000
_HEAD = struct.Struct("iIII")
_BUFFER_BYTES = 64 * 1024


class Change(NamedTuple):
    """One event."""

    watch: int
    """The watch that it belongs to."""
    mask: int
    name: str
    """The name in the directory; empty for the directory itself."""

    @property
    def is_overflow(self) -> bool:
        """Whether events before this one are lost."""
        return bool(self.mask & _OVERFLOW)


class Inotify:
    """One instance, with its watches."""

    def __init__(self) -> None:
        """Raises OSError where there are no more instances."""
        self._library = ctypes.CDLL(None, use_errno=True)
        self.handle = _checked(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), None)

    def add(self, directory: Path, mask: int) -> int:
        """Watch a directory; the number of its watch. Raises OSError.

        A directory that is watched already keeps its number and its mask, with this one added.
        """
        flags = mask | _ONLY_DIRECTORIES | _ADD_TO_MASK
        path = os.fsencode(directory)
        return _checked(self._library.inotify_add_watch(self.handle, path, flags), directory)

    def remove(self, watch: int) -> None:
        """Nothing happens where the directory is gone, and its watch with it."""
        self._library.inotify_rm_watch(self.handle, watch)

    def read(self) -> Iterator[Change]:
        """What has happened since the last time; some of it, where that was much."""
        try:
            data = os.read(self.handle, _BUFFER_BYTES)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            yield Change(watch, mask, os.fsdecode(name))

    def close(self) -> None:
        os.close(self.handle)


def _checked(result: int, path: Path | None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result
