"""When to try the destination again, and how fast to send. Per destination, not per report.

Temporary trouble: full jitter, that is a random wait from nothing to a ceiling which grows from 5 s
to 15 min; hosts that lost the same server never come back together. A pause: a random wait between
half a ceiling and the ceiling, which grows from a minute to an hour. A wait that the server names
is never cut short, and gets jitter on top.

The clock is passed in: seconds of a monotonic clock.
"""

import random
from collections import deque

from stages.patchmon.retry_after import LONGEST_S

FIRST_S, CEILING_S = 5.0, 900.0
PAUSE_FIRST_S, PAUSE_CEILING_S = 60.0, 3600.0
_MINUTE_S = 60.0
_MOST_DOUBLINGS = 20


class Backoff:
    """How long to wait before the destination is tried again."""

    def __init__(self) -> None:
        self.failures = 0
        self._pausing = False
        self._is_set_by_server = False
        self._next = 0.0

    def due_in_s(self, now: float) -> float:
        """Seconds until the next try; 0 when it may be now."""
        return max(0.0, self._next - now)

    def succeeded(self) -> None:
        self.failures, self._next = 0, 0.0

    def try_now(self) -> None:
        """The operator asks for it, or what was wrong has changed. The next failure waits as long
        as it would have.
        """
        self._next = 0.0

    def reached(self, now: float) -> None:
        """The server is back, as another connection shows: soon, but not all hosts at once. A wait
        that the server has named stays.
        """
        if not self._is_set_by_server:
            self._next = min(self._next, now + full_jitter(1))

    def failed(self, now: float, retry_after_s: float = 0.0) -> float:
        """Temporary trouble; the seconds until the next try, at least those of the server."""
        self._count(pausing=False)
        self._is_set_by_server = retry_after_s > 0
        return self._wait(now, retry_after_s + full_jitter(self.failures))

    def paused(self, now: float, retry_after_s: float = 0.0) -> float:
        """Trouble that someone has to fix; the seconds until the next probe, at least those of the
        server.
        """
        self._count(pausing=True)
        self._is_set_by_server = retry_after_s > 0
        return self._wait(now, max(growing_pause(self.failures), _with_jitter(retry_after_s)))

    def retry_after(self, now: float, retry_after_s: float) -> float:
        """No trouble, but the server wants no request for `retry_after_s`; the seconds until the
        next try.
        """
        self._is_set_by_server = True
        return self._wait(now, _with_jitter(retry_after_s))

    def hold(self, now: float, wait_s: float) -> None:
        """Take over a wait from before a restart, which the server had named."""
        self._is_set_by_server = True
        self._wait(now, wait_s)

    def _count(self, *, pausing: bool) -> None:
        if pausing != self._pausing:
            self.failures = 0
        self.failures += 1
        self._pausing = pausing

    def _wait(self, now: float, wait_s: float) -> float:
        wait_s = min(wait_s, LONGEST_S)
        self._next = now + wait_s
        return wait_s


class Pace:
    """Limits the requests within any 60 seconds of this process."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    def due_in_s(self, now: float, per_minute: int) -> float:
        """Seconds until the next request may go; `per_minute` 0: no limit."""
        while self._sent and now - self._sent[0] >= _MINUTE_S:
            self._sent.popleft()
        if per_minute == 0 or len(self._sent) < per_minute:
            return 0.0
        # The last `per_minute` requests are within this minute: one more may go when the oldest of
        # them leaves it.
        return self._sent[len(self._sent) - per_minute] + _MINUTE_S - now

    def sent(self, now: float) -> None:
        self._sent.append(now)


def full_jitter(failures: int) -> float:
    """A random wait after this many consecutive failures."""
    return random.uniform(0, _grown(FIRST_S, CEILING_S, failures))  # noqa: S311 - jitter, not a secret


def growing_pause(failures: int) -> float:
    ceiling = _grown(PAUSE_FIRST_S, PAUSE_CEILING_S, failures)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret


def _grown(first: float, ceiling: float, failures: int) -> float:
    doubled: float = first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    return min(ceiling, doubled)


def _with_jitter(retry_after_s: float) -> float:
    if retry_after_s == 0.0:
        return 0.0
    return retry_after_s + full_jitter(1)
