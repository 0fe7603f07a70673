"""A rolling window of one minute for a rate limit. Pure: the time is passed in."""

from collections import deque

_SECONDS = 60.0


class Window:
    """Admits each name `limit` times in any 60 s; refused attempts are not counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: dict[str, deque[float]] = {}

    def admits(self, name: str, now: float) -> bool:
        """Whether `name` is admitted at `now` (monotonic seconds); counted if so."""
        self._forget(now)
        times = self._times.setdefault(name, deque())
        if len(times) >= self._limit:
            return False
        times.append(now)
        return True

    def _forget(self, now: float) -> None:
        # Names come unchecked from the network: none is kept longer than it counts.
        for name, times in list(self._times.items()):
            while times and times[0] <= now - _SECONDS:
                times.popleft()
            if not times:
                del self._times[name]
