"""The script by which a rule is fixed, as a scanner's content has it."""

from schemas.records import Record


class RuleScript(Record, frozen=True, kw_only=True):
    """The script for one rule of a scan: unchanged, with the values of the scan filled in."""

    rule_ref: str
    script: str | None = None
    problem: str | None = None
    """Why there is no script that can be run."""
    has_failed: bool
    """Whether the rule needs a fix by the scanner's own result."""
    reboot: bool = False
    """Whether, as the content says, it takes effect only after a reboot."""
    optional_variables: str | None = None
    """How the names of variables begin that it uses, and that need not be set."""
