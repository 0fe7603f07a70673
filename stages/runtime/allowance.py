"""How often something may happen: a few times at once, and then at a steady pace.

For what another process can cause again and again, and what costs this one work each time.
"""

import time
from collections.abc import Callable


class Allowance:
    """`burst` times at once; each of them is there again after `every_s`."""

    def __init__(
        self, burst: int, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._every_s = every_s
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def due_in_s(self) -> float:
        """Seconds until it may happen; 0 where it may now."""
        self._refill()
        return max(0.0, (1.0 - self._left) * self._every_s)

    def take(self) -> bool:
        """Whether it may happen now; if so, it counts."""
        self._refill()
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) / self._every_s)
        self._at = now
