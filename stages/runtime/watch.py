"""Watching directories: a new entry in one of them wakes the main loop, so does a changed file.

A hint like the doorbell: inotify may be out of watches, a file system may not support it; then the
timer finds the work. The masks contain only what can mean work. One with opens and closes would
wake every stage whenever one of them lists a directory, which each does after it has woken.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from stages.runtime.inotify import CLOSED_AFTER_WRITE, CREATED, MOVED_IN, Change, Inotify

_NEW_ENTRY = CREATED | MOVED_IN
_CHANGED_FILE = CREATED | MOVED_IN | CLOSED_AFTER_WRITE


class Watch:
    """Its `handle` is readable when something has changed; `read` decides whether it matters."""

    def __init__(self, directories: Iterable[Path], files: Iterable[Path]) -> None:
        """Raises OSError where a directory can't be watched."""
        self._directories = tuple(directories)
        self._files = tuple(file.resolve() for file in files)
        self._directory_watches: set[int] = set()
        self._file_watches: defaultdict[int, set[str]] = defaultdict(set)
        """Of each watch of a directory, the names of its files that are of interest."""
        self._inotify = Inotify()
        try:
            self._add_all()
        except OSError:
            self.close()
            raise

    @property
    def handle(self) -> int:
        return self._inotify.handle

    def read(self) -> bool:
        """Whether there is a new entry, or a changed file, since the last time."""
        found = [self._is_of_interest(change) for change in self._inotify.read()]
        return any(found)

    def renew(self) -> None:
        """Watch what is at the paths now. Where that fails, the timer finds the work."""
        for watch in (*self._directory_watches, *self._file_watches):
            self._inotify.remove(watch)
        self._directory_watches.clear()
        self._file_watches.clear()
        with suppress(OSError):
            self._add_all()

    def close(self) -> None:
        self._inotify.close()

    def _add_all(self) -> None:
        for directory in self._directories:
            self._directory_watches.add(self._inotify.add(directory, _NEW_ENTRY))
        for file in self._files:
            self._file_watches[self._inotify.add(file.parent, _CHANGED_FILE)].add(file.name)

    def _is_of_interest(self, change: Change) -> bool:
        if change.is_overflow:
            return True
        if change.name in self._file_watches.get(change.watch, ()):
            return True
        is_new_entry = change.watch in self._directory_watches and bool(change.mask & _NEW_ENTRY)
        # Drafts have hidden names until they are whole.
        return is_new_entry and bool(change.name) and not change.name.startswith(".")
