"""The report: one scan, normalized, in the same shape for every scanner.

Field names and statuses are those of the agent specification (`ScanResult`, `ScanSummary`,
`RuleResult`). A report depends on its raw entry, the parser and the settings alone: no clock, no
host state.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

from msgspec import Meta

from schemas.ids import ScanId, Scanner
from schemas.manifest import Content
from schemas.records import Record, Time
from schemas.request import FailureCause, Reason

RuleStatus = Literal["pass", "fail", "warn", "skip", "notapplicable", "error"]
Severity = Literal["critical", "high", "medium", "low", "unknown"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""
ScanStatus = Literal["completed", "failed", "cancelled", "merged"]
Count = Annotated[int, Meta(ge=0)]
_HEADER_ERROR_CHARACTERS = 500


class Reference(Record, frozen=True, kw_only=True):
    """A rule's place in a standard: `standard` is a URI or name, `id` the number or name in it."""

    standard: str
    id: str


class Fix(Record, frozen=True, kw_only=True):
    """A remediation in one system's language: `system` is `sh`, `ansible`, `puppet`, … or the
    content's URI.
    """

    system: str
    text: str


class AppliedWaiver(Record, frozen=True, kw_only=True):
    """The waiver by which a failed rule does not count, as a report keeps it."""

    reason: str
    approved_by: str
    ticket: str | None = None
    expires: date | None = None
    """The last day on which it applies; None where it is open-ended."""
    status: RuleStatus
    """The rule's status without the waiver."""


class RuleResult(Record, frozen=True, kw_only=True):
    """What became of one rule (XCCDF) or one check (Docker Bench)."""

    rule_ref: str
    title: str
    status: RuleStatus
    severity: Severity = "unknown"
    section: str | None = None
    """The rule's number in its benchmark, else the title of the group that it is in."""
    groups: tuple[str, ...] = ()
    """Titles of the groups that the rule is in, outermost first, where the scanner has them."""
    description: str | None = None
    rationale: str | None = None
    finding: str | None = None
    actual: str | None = None
    expected: str | None = None
    remediation: str | None = None
    """The runnable shell fix, or the scanner's own advice."""
    advice: bool = False
    """The remediation is advice to read: it does not run."""
    references: tuple[Reference, ...] = ()
    other_fixes: tuple[Fix, ...] = ()
    duration_s: Annotated[float, Meta(ge=0)] | None = None
    """Seconds that the scanner took for it; None where that is not known."""
    fixed_at: Time | None = None
    """When `compliance-agent fix` had fixed it before this scan; None where it had not."""
    waiver: AppliedWaiver | None = None
    """The approved exception by which this rule, which failed, is skipped."""


class Summary(Record, frozen=True, kw_only=True):
    """Counts of rule results, as the specification counts them."""

    total_rules: Count = 0
    passed: Count = 0
    failed: Count = 0
    warnings: Count = 0
    skipped: Count = 0
    """Skipped *and* not applicable."""
    not_applicable: Count = 0
    errors: Count = 0
    score: float = 0.0
    """The specification's: passed / total × 100, to two decimals; 0 where there are no rules."""
    applicable_score: float | None = None
    """The share of applicable rules that pass: passed / (total - skipped) × 100, to two decimals;
    None where no rule applies.
    """


class Profile(Record, frozen=True, kw_only=True):
    """`name` is what the server files the scan under: the profile's title, `CIS Docker` for Docker
    Bench.
    """

    name: str
    type: Scanner
    id: str | None = None
    version: str | None = None


class AppliedTailoring(Record, frozen=True, kw_only=True):
    """The tailoring file with which a profile was scanned, and what it changes in the profile."""

    path: str | None = None
    """None where the results do not say it."""
    sha256: str | None = None
    """None for results of a scan that this agent did not run."""
    unselected: tuple[str, ...] = ()
    """The rules that the profile without the tailoring selects."""
    selected: tuple[str, ...] = ()
    """The rules that it does not select."""
    values: Mapping[str, str] = {}
    """The values that it sets, by their ids."""


class Report(Record, frozen=True, kw_only=True):
    """One scan, from whichever scanner."""

    scan_id: ScanId | None = None
    """None where the report was made from loose files."""
    profile: Profile
    status: ScanStatus
    error: str | None = None
    cause: FailureCause | None = None
    """What made the scan fail; None where it did not."""
    answered_by: ScanId | None = None
    started_at: Time
    completed_at: Time
    summary: Summary
    results: tuple[RuleResult, ...] = ()
    partial_results: tuple[RuleResult, ...] = ()
    """Of a scan that did not complete: the rules that were evaluated before it ended. They are in
    no count, and are not sent."""
    warnings: tuple[str, ...] = ()
    read_from: str | None = None
    """Which of the scanner's outputs was read, and how, where there is more than one way."""
    reasons: tuple[Reason, ...] = ()
    host: str | None = None
    """The host that was scanned, as the scanner's own files name it."""
    scanner_version: str | None = None
    content: Content | None = None
    tailoring: AppliedTailoring | None = None
    not_searched: tuple[str, ...] = ()
    """Paths that the scanner left out. A rule that would have looked there says so in its
    finding."""
    raw_output: str | None = None
    waivers: str | None = None
    """SHA-256 of the waivers that were in force; None where there were none."""


class ReportHeader(Record, frozen=True, kw_only=True):
    """What orders and lists a report; it precedes the report in its entry."""

    profile: str
    scanner: Scanner
    status: ScanStatus
    answered_by: ScanId | None = None
    score: float | None = None
    applicable_score: float | None = None
    """Neither score where the scan did not complete."""
    error: str | None = None
    """Why it did not complete, cut after 500 characters."""

    def orders_like(self, other: "ReportHeader") -> bool:
        """Whether both put the report in the same place. Fields that are only shown may differ: the
        version of the agent that wrote the report may not have had them.
        """
        mine = (self.profile, self.scanner, self.status, self.answered_by)
        return mine == (other.profile, other.scanner, other.status, other.answered_by)


def report_header(report: Report) -> ReportHeader:
    score = applicable_score = error = None
    if report.status == "completed":
        score = report.summary.score
        applicable_score = report.summary.applicable_score
    if report.error is not None:
        error = report.error[:_HEADER_ERROR_CHARACTERS]
    return ReportHeader(
        profile=report.profile.name,
        scanner=report.profile.type,
        status=report.status,
        answered_by=report.answered_by,
        score=score,
        applicable_score=applicable_score,
        error=error,
    )


def summarize(results: tuple[RuleResult, ...]) -> Summary:
    """Count the results. Source: the specification's `parseXCCDFResults`."""
    count = dict.fromkeys(("pass", "fail", "warn", "skip", "notapplicable", "error"), 0)
    for result in results:
        count[result.status] += 1
    total, passed = len(results), count["pass"]
    skipped = count["skip"] + count["notapplicable"]
    return Summary(
        total_rules=total,
        passed=passed,
        failed=count["fail"],
        warnings=count["warn"],
        skipped=skipped,
        not_applicable=count["notapplicable"],
        errors=count["error"],
        score=_percent(passed, total) or 0.0,
        applicable_score=_percent(passed, total - skipped),
    )


def _percent(part: int, whole: int) -> float | None:
    if not whole:
        return None
    return round(part / whole * 100, 2)
