"""Returning memory to the system before a stage waits.

glibc keeps freed memory for later use; a stage that has read a large report would hold it for days.
One arena for all threads, and a trim now and then, keep a stage at rest small. Without glibc
nothing happens.
"""

import ctypes
import time

_EVERY_S = 30.0
_M_ARENA_MAX = -8


class Heap:
    """The allocator of this process."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self._trim = getattr(library, "malloc_trim", None)
        self._trimmed = time.monotonic()
        if hasattr(library, "mallopt"):
            library.mallopt(_M_ARENA_MAX, 1)

    def give_back(self) -> None:
        """Return freed memory to the system, not more often than every half minute."""
        now = time.monotonic()
        if self._trim is not None and now - self._trimmed >= _EVERY_S:
            self._trimmed = now
            self._trim(0)
