"""Entries that can't be read: each delays itself alone.

An entry whose file the disk or its mode refuses is tried three times, a few seconds apart, then it
is set aside: it is named in the log, in `status`, `list` and `verify`, and tried again every
minute, until it can be read. Meanwhile the stage goes on with its other work.
"""

import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

from schemas.records import Struct
from spool.errors import EntryUnreadableError
from spool.state_store import StateStore
from stages.runtime.logs import Log

_TRIES = 3
_SOON_S, _LATER_S = 5.0, 60.0


class _Failing(Struct, frozen=True):
    tries: int
    due: float


_NOT_FAILED = _Failing(0, 0.0)


class SetAside:
    """The entries that one stage could not read."""

    def __init__(
        self, state_store: StateStore, log: Log, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._state_store = state_store
        self._log = log
        self._clock = clock
        self._failing: dict[str, _Failing] = {}

    def waits(self, name: str) -> bool:
        """Whether this entry is not to be tried now."""
        failing = self._failing.get(name)
        return failing is not None and self._clock() < failing.due

    def due_in_s(self) -> float:
        """Seconds until the next entry is to be tried again.

        One that is due already does not count. A stage asks after a pass, and this pass had no use
        for the entry: the report is held, for instance. Without a wait it would never be at rest.
        """
        now = self._clock()
        waits = (one.due - now for one in self._failing.values() if one.due > now)
        return min(waits, default=float("inf"))

    def failed(self, name: str, error: EntryUnreadableError) -> None:
        """The entry could not be read."""
        tries = self._failing.get(name, _NOT_FAILED).tries + 1
        wait_s = _SOON_S
        # Soon at first: a hiccup of the disk, or a mode that is being corrected, is over by then.
        if tries >= _TRIES:
            wait_s = _LATER_S
        self._failing[name] = _Failing(tries, self._clock() + wait_s)
        if tries == 1:
            self._log.warning("entry can't be read, trying again", entry=name, reason=str(error))
        elif tries == _TRIES:
            self._state_store.mark_unreadable(name, str(error))
            self._log.error(
                "entry set aside until it can be read; the other work goes on",
                entry=name,
                reason=str(error),
            )

    def worked(self, name: str) -> None:
        """The entry could be read, whatever was in it."""
        if self._failing.pop(name, None) is not None:
            self._state_store.unmark_unreadable(name)
            self._log.warning("entry can be read again", entry=name)

    def forget_gone(self, directories: Collection[Path]) -> None:
        """Forget the entries that are in none of these directories any more."""
        for name in list(self._failing):
            if not any(os.path.lexists(directory / name) for directory in directories):
                del self._failing[name]
                self._state_store.unmark_unreadable(name)
