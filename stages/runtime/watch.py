"""Watching directories: a new entry in one of them wakes the main loop, so does a changed file.

A hint like the doorbell: inotify may be out of watches, a file system may not support it; then the
timer finds the work. The masks contain only what can mean work. One with opens and closes would
wake every stage whenever one of them lists a directory, which each does after it has woken.
"""

import logging
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from spool.errors import is_without_thread

# The library would write lines of its own about a watch that has ended.
logging.getLogger("watchdog").setLevel(logging.CRITICAL)
_NEW_ENTRIES: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
_CHANGED_FILE: list[type[FileSystemEvent]] = [FileCreatedEvent, FileMovedEvent, FileClosedEvent]


class Watch:
    """Writes a byte to `wake` for every new entry of a directory and every change of a file."""

    def __init__(self, directories: Iterable[Path], files: Iterable[Path], wake: int) -> None:
        """Raises OSError where a directory can't be watched."""
        self._directories = tuple(directories)
        self._files = tuple(file.resolve() for file in files)
        self._wake = wake
        self._observer = Observer()
        self._schedule()
        self._observer.daemon = True
        self._observer.start()

    def renew(self) -> None:
        """Watch what is at the paths now. Where that fails, the timer finds the work."""
        self._observer.unschedule_all()
        try:
            self._schedule()
        except OSError:
            return
        except RuntimeError as error:
            if not is_without_thread(error):
                raise

    def close(self) -> None:
        self._observer.stop()
        self._observer.join(timeout=2)

    def _schedule(self) -> None:
        new_entry = _Waker(self._wake)
        for directory in self._directories:
            self._observer.schedule(new_entry, str(directory), event_filter=_NEW_ENTRIES)
        for file in self._files:
            changed_file = _Waker(self._wake, names={file.name})
            self._observer.schedule(changed_file, str(file.parent), event_filter=_CHANGED_FILE)


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: int, names: Collection[str] | None = None) -> None:
        self._wake = wake
        self._names = names

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = (os.fsdecode(path) for path in (event.src_path, event.dest_path) if path)
        if any(self._is_of_interest(path.rpartition("/")[2]) for path in paths):
            with suppress(OSError):
                os.write(self._wake, b"w")

    def _is_of_interest(self, name: str) -> bool:
        """Drafts have hidden names until they are whole."""
        if self._names is not None:
            return name in self._names
        return not name.startswith(".")
