"""Re-checks of single rules, and fixes: what is kept beside a scan, and is never a scan itself."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.ids import ScanId
from schemas.records import Record, Time
from schemas.report import RuleStatus
from schemas.request import Reason, RuleId

CommandId = Annotated[str, Meta(pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{8}$(?!\n)")]
FixOutcome = Literal["fixed", "failing", "failed", "refused", "interrupted"]
"""`fixed`: the rule passes now; `failing`: its script ended well, and the rule still fails;
`failed`: its script failed; `refused`: its script was not run; `interrupted`: the fix was ended
before it."""


class RecheckedRule(Record, frozen=True, kw_only=True):
    """One rule before and after."""

    rule_ref: str
    title: str
    before: RuleStatus
    """As the scan found it, without a waiver."""
    after: RuleStatus | None = None
    """None where the scanner gave no result."""
    finding: str | None = None
    """Of the re-check, where the rule does not pass."""


class Recheck(Record, frozen=True, kw_only=True):
    """Some rules of a scan, evaluated again."""

    scan_id: ScanId
    at: Time
    fix: CommandId | None = None
    """The fix that it ended."""
    rules: tuple[RecheckedRule, ...]
    warnings: tuple[str, ...] = ()
    """Such as: the content has changed since the scan."""


class FixedRule(Record, frozen=True, kw_only=True):
    """What became of one rule."""

    rule_ref: str
    title: str
    outcome: FixOutcome
    reason: str | None = None
    """Why it is not fixed."""
    not_undone: tuple[str, ...] = ()
    """What `fix --undo` can't take back: services that were restarted, packages."""


class FixRun(Record, frozen=True, kw_only=True):
    """One run of the scripts of some rules."""

    scan_id: ScanId | None = None
    """The scan whose scripts were run; None where there was none."""
    at: Time
    reason: Reason
    rules: tuple[FixedRule, ...] = ()
    error: str | None = None
    """Why nothing was run."""
    directory: str | None = None
    """Where the copy of the files and the output of the scripts are."""


class Undone(Record, frozen=True, kw_only=True):
    """A fix that was taken back."""

    at: Time
    restored: tuple[str, ...] = ()
    """Paths that are as before."""
    kept: tuple[str, ...] = ()
    """Paths that are not, each with the reason."""


class Remediation(Record, frozen=True, kw_only=True):
    """The server's request to fix what a scan found."""

    reason: Reason
    after: ScanId | None = None
    """Wait for this scan, and fix its failed rules; None: the newest completed scan with the
    rule."""
    rule: RuleId | None = None
    """Only this rule, by its full or short id."""
