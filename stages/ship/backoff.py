"""When to try the destination again, and how fast to send. Per destination, not per scan.

Temporary trouble: full jitter, that is a random wait from nothing to a ceiling which grows from 5 s to 15 min; hosts
that lost the same server never come back together. A pause: a wait that grows from half a minute or a minute to
half an hour or an hour. A wait that the server names is never cut short, and gets jitter on top.

The clock is passed in: seconds of a monotonic clock.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from stages.patchmon.retry_after import LONGEST_S

if TYPE_CHECKING:
    from tenacity import RetryCallState

FIRST_S, CEILING_S = 5.0, 900.0
PAUSE_FIRST_S, PAUSE_CEILING_S = 60.0, 3600.0
WINDOW_S = 60.0


class Backoff:
    """How long to leave the destination alone."""

    def __init__(self) -> None:
        self.failures = 0
        self._pausing = False
        self._next = 0.0

    def due_in_s(self, now: float) -> float:
        """Seconds until the next try; 0 when it may be now."""
        return max(0.0, self._next - now)

    def succeeded(self) -> None:
        self.failures, self._next = 0, 0.0

    def try_now(self) -> None:
        """The operator says so, or what was wrong has changed. How long the next failure waits is not forgotten."""
        self._next = 0.0

    def failed(self, now: float, asked_s: float = 0.0) -> float:
        """Temporary trouble; the seconds until the next try, at least the `asked_s` that the server named."""
        self._count(pausing=False)
        return self._wait(now, asked_s + _full_jitter(self.failures))

    def paused(self, now: float, asked_s: float = 0.0) -> float:
        """Trouble that someone has to mend; the seconds until the next probe, at least `asked_s`."""
        self._count(pausing=True)
        return self._wait(now, max(_growing_pause(self.failures), _with_jitter(asked_s)))

    def asked(self, now: float, asked_s: float) -> float:
        """No trouble, but the server wants to be left alone for `asked_s`; the seconds until the next try."""
        return self._wait(now, _with_jitter(asked_s))

    def hold(self, now: float, wait_s: float) -> None:
        """Take over a wait from before a restart."""
        self._wait(now, wait_s)

    def _count(self, *, pausing: bool) -> None:
        self.failures = self.failures + 1 if pausing == self._pausing else 1
        self._pausing = pausing

    def _wait(self, now: float, wait_s: float) -> float:
        wait_s = min(wait_s, LONGEST_S)
        self._next = now + wait_s
        return wait_s


class Pace:
    """At most so many requests within any minute."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    def due_in_s(self, now: float, per_minute: int) -> float:
        """Seconds until the next request may go; `per_minute` 0: no limit."""
        while self._sent and now - self._sent[0] >= WINDOW_S:
            self._sent.popleft()
        if not per_minute or len(self._sent) < per_minute:
            return 0.0
        return self._sent[len(self._sent) - per_minute] + WINDOW_S - now

    def sent(self, now: float) -> None:
        self._sent.append(now)

    def ages_s(self, now: float) -> list[float]:
        """How long ago the requests of the last minute were sent, the oldest first."""
        return [now - at for at in self._sent if now - at < WINDOW_S]


# tenacity is imported at the first trouble, not at the start: a stage at rest stays small.


def _full_jitter(failures: int) -> float:
    from tenacity import wait_random_exponential

    return _wait_after(failures, wait_random_exponential(multiplier=FIRST_S, max=CEILING_S))


def _with_jitter(asked_s: float) -> float:
    return asked_s + _full_jitter(1) if asked_s else 0.0


def _growing_pause(failures: int) -> float:
    from tenacity import wait_exponential, wait_random_exponential

    half, ceiling = PAUSE_FIRST_S / 2, PAUSE_CEILING_S / 2
    grown = wait_exponential(multiplier=half, max=ceiling)
    return _wait_after(failures, grown + wait_random_exponential(multiplier=half, max=ceiling))


def _wait_after(failures: int, wait: "Callable[[RetryCallState], float]") -> float:
    from tenacity import RetryCallState, Retrying

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = failures
    return wait(state)
