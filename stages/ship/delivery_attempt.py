"""What was met with one report since the stage started, and in which form it is sent next. Pure.

A server that refuses a report for its size is sent half of it, and half of that, while anything may
be left out. A server that computes another hash is sent the body once more without it.
"""

from schemas.records import Struct
from stages.patchmon.body import Body
from stages.patchmon.outcome import Accepted, Outcome, Refused

STUCK_AFTER = 3


class DeliveryAttempt(Struct):
    attempts: int = 0
    limit: int | None = None
    """A lower limit than the settings', which the server's answers show."""
    with_hash: bool = True
    failures: int = 0
    """Consecutive attempts that failed."""
    others_passed: bool = False
    """Whether the server took another report while this one was stuck."""

    @property
    def is_stuck(self) -> bool:
        """Whether it keeps failing, perhaps because of the report itself."""
        return self.failures >= STUCK_AFTER

    def limit_of(self, settings: int) -> int:
        """Maximum length of the next body in bytes."""
        if self.limit is None:
            return settings
        return min(settings, self.limit)

    def count(self, outcome: Outcome) -> None:
        """Count the outcome of an attempt."""
        if isinstance(outcome, Accepted | Refused):
            self.failures, self.others_passed = 0, False
        else:
            self.failures += 1

    def another_passed(self) -> None:
        """The server took another report: this one gets one more try before it counts as stuck,
        because the server may only have been away.
        """
        if self.is_stuck and not self.others_passed:
            self.others_passed = True
            self.failures = STUCK_AFTER - 1

    def change_form(self, outcome: Refused, body: Body) -> bool:
        """Whether the report is to be sent once more in another form."""
        if outcome.remedy == "no hash" and body.has_hash:
            self.with_hash = False
            return True
        if outcome.remedy == "truncate" and body.may_shrink:
            self.limit = len(body) // 2
            return True
        return False

    @property
    def remarks(self) -> tuple[str, ...]:
        if self.with_hash:
            return ()
        return (
            (
                "the server computed another compliance_hash; the report was sent without: "
                "report this as a bug"
            ),
        )
