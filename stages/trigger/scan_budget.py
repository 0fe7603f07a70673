"""How many scans a server may request, and how the requests beyond that are answered. Pure.

Each request is an entry in every box, even where its profile does not exist, so a server that
requests scans forever would fill the disk. Beyond the limit requests are refused. The server shows
each of them as running until a scan of this host arrives, so they get a common answer: one failed
scan for each scanner at once, then one at the end of every interval in which there were more.
"""

from collections import deque

from schemas.ids import Scanner
from stages.patchmon.commands import Wanted

MOST_A_DAY = 1000
_DAY_S = 24 * 3600.0
_ANSWER_EVERY_S = 600.0


class ScanBudget:
    """Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque([-_DAY_S] * MOST_A_DAY, MOST_A_DAY)
        """When each of the last scans was requested."""
        self._answered_at: dict[Scanner, float] = {}
        self._unanswered: dict[Scanner, Wanted] = {}
        """Refused requests that wait for their common answer: the newest of each scanner."""

    def take(self, now: float) -> bool:
        """Whether one more scan may be requested; it is counted then."""
        # The deque is always full, so its first is the oldest of the last so many requests.
        if now - self._taken[0] < _DAY_S:
            return False
        self._taken.append(now)
        return True

    def refused(self, wanted: Wanted) -> None:
        """A request beyond the limit: it gets the next answer of its scanner."""
        self._unanswered[wanted.scanner] = wanted

    def answers(self, now: float) -> list[Wanted]:
        """The refused requests that are to be answered now, each once."""
        due = [wanted for wanted in self._unanswered.values() if self._due_at(wanted) <= now]
        for wanted in due:
            self._answered_at[wanted.scanner] = now
            del self._unanswered[wanted.scanner]
        return due

    def due_in_s(self, now: float) -> float:
        """Seconds until the next answer; infinite where none waits."""
        due = list(map(self._due_at, self._unanswered.values()))
        return max(0.0, min(due, default=float("inf")) - now)

    def _due_at(self, wanted: Wanted) -> float:
        answered_at = self._answered_at.get(wanted.scanner)
        if answered_at is None:
            return 0.0
        return answered_at + _ANSWER_EVERY_S
