"""One attempt, in a thread of its own, so that the work loop lives on: it stays ready to stop, and holds the deadline.

Promises: an attempt ends by its deadline, also against a server that trickles; when the stage is told to stop it is
given a moment to hear the answer, then it is cut off, and its outcome is not known.
"""

import threading
import time
from collections.abc import Callable

from stages.patchmon.outcome import Outcome, Temporary
from stages.runtime.process import Process

_TOTAL_S = 60.0
_SLOWEST_BYTES_PER_S = 64 * 1024
_LAST_WORDS_S = 2.0
_TELL_EVERY_S = 30.0


def deadline_s(size: int) -> float:
    """Seconds that an attempt may take in all: a slow line is given time for the body."""
    return _TOTAL_S + size / _SLOWEST_BYTES_PER_S


class Attempt(threading.Thread):
    """`post` in a thread; `cut` makes it end."""

    def __init__(
        self, process: Process, post: Callable[[], Outcome], cut: Callable[[], None]
    ) -> None:
        # A daemon: a thread that hangs in the resolver must not keep a stopped process alive.
        super().__init__(name="attempt", daemon=True)
        self._process = process
        self._post = post
        self._cut = cut
        self._outcome: Outcome | None = None
        self._done = threading.Event()

    def run(self) -> None:
        try:
            self._outcome = self._post()
        finally:
            self._done.set()
            self._process.wake()

    def carry_out(self, limit_s: float) -> Outcome | None:
        """The outcome; None where the stage was told to stop before there was one."""
        self.start()
        began = told = time.monotonic()
        while not self._wait(began + limit_s - time.monotonic()):
            now = time.monotonic()
            if self._process.stopping:
                # The process's own waits end at once while it stops.
                if self._done.wait(_LAST_WORDS_S):
                    break
                self._end()
                return None
            if now >= began + limit_s:
                self._end()
                return Temporary(f"no whole answer within {limit_s:.0f} s")
            if now - told >= _TELL_EVERY_S:
                told = now
                self._process.log.info(
                    "still sending", for_s=round(now - began), at_most_s=round(limit_s)
                )
        if self._outcome is None:
            raise RuntimeError("the attempt ended without an outcome: see the traceback above")
        return self._outcome

    def _end(self) -> None:
        """Cut the connection, which ends the thread, unless it hangs in the resolver; then it is left behind."""
        self._cut()
        self.join(_LAST_WORDS_S)

    def _wait(self, left_s: float) -> bool:
        if not self._done.is_set():
            self._process.wait(max(0.0, min(1.0, left_s)))
        return self._done.is_set()
