"""One scan's case: what was met with it since the stage started, and whether another form of it may be taken.

A server that refuses for size is sent half of it, and half of that, while anything may be left out. A server that
disagrees about the hash is sent the body once more without it. A server that fails with 500 at one scan again and
again while it takes others will not take that one: it is refused.
"""

from dataclasses import dataclass

from stages.ship.body import Body
from stages.ship.outcome import BIG_BYTES, Outcome, Refused, Temporary

FAILING_AFTER = 3
_CUTS = 3
_INTERNAL_ERROR = 500


@dataclass
class Case:
    attempts: int = 0
    limit: int | None = None
    """A lower limit than the settings', found out from the server's answers."""
    with_hash: bool = True
    errors: int = 0
    """Times in a row that the server failed with 500."""
    others_passed: bool = False
    """Whether the server took other scans while it failed at this one."""
    cuts: int = 0
    """Times that the connection broke while the body was sent."""

    @property
    def failing(self) -> bool:
        """Whether the server has failed again and again, and it is not known whether only at this scan."""
        return self.errors >= FAILING_AFTER and not self.others_passed

    def other_accepted(self) -> None:
        self.others_passed = self.errors >= FAILING_AFTER

    def heard(self, outcome: Outcome, body: Body) -> Outcome:
        """Count what an attempt came to; what it means, all attempts taken together."""
        if not isinstance(outcome, Temporary):
            self.errors = self.cuts = 0
            return outcome
        self.errors = self.errors + 1 if outcome.status == _INTERNAL_ERROR else 0
        self.cuts = self.cuts + 1 if outcome.cut_upload else 0
        if self.errors > FAILING_AFTER and self.others_passed:
            words = f"the server failed at this scan {self.errors} times, and took others meanwhile: {outcome.words}"
            return Refused(_INTERNAL_ERROR, words)
        if self.cuts >= _CUTS and len(body) > BIG_BYTES:
            # Some servers answer a body that is too long by closing the connection.
            self.limit, self.cuts = len(body) // 2, 0
        return outcome

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
        return ("the server computed another compliance_hash; it was sent without: report this as a fault",)
