"""What the stage does while a request is under way: it stays in its main loop, and does the work
that is at hand.

Promises: a stage that has to stop gives the request two more seconds for its answer, then the
request ends with its process; a long one is logged.
"""

import select
import time
from collections.abc import Callable, Sequence

from stages.runtime.process import Process

_LAST_SECONDS_S = 2.0
_LOG_EVERY_S = 30.0


class PatientHost:
    """What the worker process needs of the stage: `stopping`, `readers` and `wait`."""

    def __init__(self, process: Process) -> None:
        self.stopping = False
        self.readers = process.readers
        self._process = process
        self._work: Callable[[], None] | None = None
        self._started = self._logged = 0.0
        self._stop_at: float | None = None

    def expect(self, meanwhile: Callable[[], None]) -> None:
        """A request starts; `meanwhile` is done once while it is under way."""
        self._work = meanwhile
        self._started = self._logged = time.monotonic()

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]:
        work, self._work = self._work, None
        if work is not None:
            work()
            timeout_s = 0.0
        self._log_long_request()
        if not self._process.stopping:
            return self._process.wait(timeout_s, handles)
        # The process's own waits end at once while it stops.
        if self._stop_at is None:
            self._stop_at = time.monotonic() + _LAST_SECONDS_S
        left_s = self._stop_at - time.monotonic()
        self.stopping = left_s <= 0
        return select.select(handles, (), (), max(0.0, min(timeout_s, left_s)))[0]

    def _log_long_request(self) -> None:
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY_S:
            self._logged = now
            self._process.log.info("still sending", for_s=round(now - self._started))
