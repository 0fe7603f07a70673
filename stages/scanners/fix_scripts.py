"""The script by which a rule is fixed, as a scanner's content has it."""

from schemas.records import Record


class RuleScript(Record, frozen=True, kw_only=True):
    """Of one rule of a scan, unchanged: with its line breaks, and with the values of the scan."""

    rule_ref: str
    script: str | None = None
    problem: str | None = None
    """Why there is no script that can be run."""
    reboot: bool = False
    """The content says that it takes effect after a reboot."""
