"""Watching directories: something new there wakes the loop.

A hint like the doorbell: inotify may be out of watches, a file system may not support it; the timer looks anyway.
"""

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

# The library would write lines of its own of a watch that has ended.
logging.getLogger("watchdog").setLevel(logging.CRITICAL)
_CHANGES = frozenset({"created", "moved", "deleted", "modified", "closed"})


class Watch:
    """Writes a byte to `wake` for every change in the directories."""

    def __init__(self, directories: Iterable[Path], wake: int) -> None:
        """Raises OSError where a directory can't be watched."""
        self._observer = Observer()
        self._directories = tuple(directories)
        self._waker = _Waker(wake)
        self._schedule()
        self._observer.daemon = True
        self._observer.start()

    def renew(self) -> None:
        """Watch what lies at the paths now. Where that can't be done, the timer has to do."""
        self._observer.unschedule_all()
        with suppress(OSError):
            self._schedule()

    def _schedule(self) -> None:
        for directory in self._directories:
            self._observer.schedule(self._waker, str(directory), recursive=False)

    def close(self) -> None:
        self._observer.stop()
        self._observer.join(timeout=2)


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: int) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _CHANGES and not _is_draft(event):
            with suppress(OSError):
                os.write(self._wake, b"w")


def _is_draft(event: FileSystemEvent) -> bool:
    paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
    return all(path.rpartition("/")[2].startswith(".") for path in paths)
