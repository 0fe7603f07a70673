"""One scan's case: what was met with it since the stage started, and whether another form of it may be taken. Pure.

A server that refuses for size is sent half of it, and half of that, while anything may be left out. A server that
disagrees about the hash is sent the body once more without it. A server that closes the connection again and again
while a large body is sent may mean its size, or the line is bad: halves are tried, then the whole again.
"""

from dataclasses import dataclass

from stages.patchmon.body import Body
from stages.patchmon.outcome import BIG_BYTES, Accepted, Outcome, Refused, Temporary

STUCK_AFTER = 3
_CUTS = 3


@dataclass
class Case:
    attempts: int = 0
    limit: int | None = None
    """A lower limit than the settings', which the server's answers tell."""
    guess: int | None = None
    """A lower limit that is only guessed at, because the connection broke."""
    with_hash: bool = True
    failures: int = 0
    """Attempts in a row of which nothing came."""
    passed_by: bool = False
    """Whether the server took another scan meanwhile."""
    cuts: int = 0
    """Times in a row that the connection broke while the body was sent."""

    @property
    def is_stuck(self) -> bool:
        """Whether nothing comes of it again and again, perhaps for the scan's own sake."""
        return self.failures >= STUCK_AFTER

    def limit_of(self, settings: int) -> int:
        """Bytes that the next body may be long."""
        return min(limit for limit in (settings, self.limit, self.guess) if limit is not None)

    def on_event(self, outcome: Outcome, body: Body) -> None:
        """Count what an attempt came to."""
        self.failures = 0 if isinstance(outcome, Accepted | Refused) else self.failures + 1
        self.passed_by = self.passed_by and self.is_stuck
        if not isinstance(outcome, Temporary) or not outcome.cut_upload:
            self.cuts, self.guess = 0, None
            return
        self.cuts += 1
        if self.guess is not None and (len(body) <= BIG_BYTES or not body.may_shrink):
            self.cuts, self.guess = 0, None
        elif len(body) > BIG_BYTES and (self.cuts >= _CUTS or self.guess is not None):
            self.guess = len(body) // 2

    def remedy(self, outcome: Refused, body: Body) -> bool:
        """Whether the scan is to be sent once more in another form."""
        if outcome.remedy == "no hash" and body.has_hash:
            self.with_hash = False
            return True
        if outcome.remedy == "slim" and body.may_shrink:
            self.limit = len(body) // 2
            return True
        return False

    @property
    def remarks(self) -> tuple[str, ...]:
        if self.with_hash:
            return ()
        return (
            "the server computed another compliance_hash; it was sent without: report this as a fault",
        )
