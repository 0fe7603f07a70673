"""What differs between two scans of one host. Pure.

Rules are matched by id; results of one rule that occurs several times are matched in their order.
A failed rule that no longer applies, or is no longer evaluated, is not "fixed": it is a changed
status, named as such.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from schemas import codec
from schemas.ids import ScanId
from schemas.records import Record
from schemas.report import Report, RuleResult, RuleStatus, ScanStatus, Severity
from stages.formats.breakdown import worst_first
from stages.formats.scan_scope import tailoring_line, waived_rules

_BAD: tuple[RuleStatus, ...] = ("fail", "error")


class ComparedScan(Record, frozen=True, kw_only=True):
    """One side of a comparison."""

    scan_id: ScanId | None
    at: datetime
    profile: str
    status: ScanStatus
    score: float
    applicable_score: float | None
    failed: int


class RuleChange(Record, frozen=True, kw_only=True):
    """One rule on both sides; a status is None where the rule is missing on that side."""

    rule_ref: str
    title: str
    severity: Severity
    section: str | None = None
    status_before: RuleStatus | None = None
    status_after: RuleStatus | None = None
    finding_before: str | None = None
    finding_after: str | None = None


class FactChange(Record, frozen=True, kw_only=True):
    """A fact of the scan that differs: the content, the profile, the scanner."""

    name: str
    before: str | None
    after: str | None


class Comparison(Record, frozen=True, kw_only=True):
    """Two scans and all that differs; every changed rule is in exactly one list."""

    before: ComparedScan
    after: ComparedScan
    worse: bool
    """Something fails or can't be evaluated that did not before, or the scan itself failed."""
    facts: tuple[FactChange, ...] = ()
    newly_failed: tuple[RuleChange, ...] = ()
    """Failed or in error now, and not before; added rules that fail are here too."""
    fixed: tuple[RuleChange, ...] = ()
    """Failed or in error before, passed now."""
    changed_finding: tuple[RuleChange, ...] = ()
    """Still failed, for another reason."""
    changed_status: tuple[RuleChange, ...] = ()
    """Any other change of status."""
    added: tuple[RuleChange, ...] = ()
    removed: tuple[RuleChange, ...] = ()


class FailureAge(Record, frozen=True, kw_only=True):
    """How long a failed rule has failed, as far as the kept scans show."""

    rule_ref: str
    title: str
    severity: Severity
    failing_since: ComparedScan
    """The first of the scans in a row in which it fails."""
    last_good: ComparedScan | None
    """The scan before that, in which it did not fail; None where no kept scan is good."""
    content_changed: bool = False
    """The content changed between these two: the rule may be new or stricter, the host the same."""


def compare(before: Report, after: Report) -> Comparison:
    old, new = _by_key(before.results), _by_key(after.results)
    changes: dict[str, list[RuleChange]] = {}
    for key, result in new.items():
        kind = _kind(old.get(key), result)
        if kind:
            changes.setdefault(kind, []).append(_change(result, before=old.get(key), after=result))
    removed = [_change(result, before=result) for key, result in old.items() if key not in new]
    newly_failed = worst_first(changes.get("newly_failed", ()))
    return Comparison(
        before=_scan(before),
        after=_scan(after),
        worse=bool(newly_failed) or _scan_got_worse(before, after),
        facts=tuple(_fact_changes(before, after)),
        newly_failed=newly_failed,
        fixed=worst_first(changes.get("fixed", ())),
        changed_finding=worst_first(changes.get("changed_finding", ())),
        changed_status=worst_first(changes.get("changed_status", ())),
        added=worst_first(changes.get("added", ())),
        removed=worst_first(removed),
    )


def failure_ages(newest_first: Iterable[Report]) -> tuple[FailureAge, ...]:
    """For each rule that the newest scan failed, since when it fails.

    Reports are read one after the other, and no further than needed. Scans that did not complete
    show nothing of a rule and are passed over, and so are scans that did not evaluate it.
    """
    completed = (report for report in newest_first if report.status == "completed")
    newest = next(completed, None)
    if newest is None:
        return ()
    history = _FailureHistory(newest)
    while not history.is_complete:
        report = next(completed, None)
        if report is None:
            break
        history.add(report)
    return history.ages()


class _FailureHistory:
    """The failed rules of a scan, followed back scan by scan."""

    def __init__(self, newest: Report) -> None:
        results = _by_key(newest.results)
        self._failed = {key: result for key, result in results.items() if result.status == "fail"}
        self._since = dict.fromkeys(self._failed, newest)
        self._good: dict[_Key, Report] = {}

    @property
    def is_complete(self) -> bool:
        """Whether the last good scan of every rule is known."""
        return len(self._good) == len(self._failed)

    def add(self, report: Report) -> None:
        """Take in the scan before those that were added so far."""
        results = _by_key(report.results)
        for key in self._failed:
            result = results.get(key)
            if key in self._good or result is None:
                continue
            if result.status in ("skip", "error"):
                continue
            if result.status == "fail":
                self._since[key] = report
            else:
                self._good[key] = report

    def ages(self) -> tuple[FailureAge, ...]:
        """Worst first."""
        ages = []
        for key, result in self._failed.items():
            ages.append(_age(result, self._since[key], self._good.get(key)))
        return worst_first(ages)


def _age(result: RuleResult, since: Report, good: Report | None) -> FailureAge:
    last_good = None
    content_changed = False
    if good is not None:
        last_good = _scan(good)
        content_changed = _content(good) != _content(since)
    return FailureAge(
        rule_ref=result.rule_ref,
        title=result.title,
        severity=result.severity,
        failing_since=_scan(since),
        last_good=last_good,
        content_changed=content_changed,
    )


_Key = tuple[str, int]
"""A rule's id, and the number of its result among those with this id."""


def _by_key(results: Sequence[RuleResult]) -> dict[_Key, RuleResult]:
    found: dict[_Key, RuleResult] = {}
    seen: dict[str, int] = {}
    for result in results:
        number = seen.get(result.rule_ref, 0)
        seen[result.rule_ref] = number + 1
        found[(result.rule_ref, number)] = result
    return found


def _kind(before: RuleResult | None, after: RuleResult) -> str | None:
    """The list of the comparison that a rule belongs to; None where nothing changed."""
    is_bad = after.status in _BAD
    was_bad = before is not None and before.status in _BAD
    if is_bad and not was_bad:
        return "newly_failed"
    if before is None:
        return "added"
    if was_bad and after.status == "pass":
        return "fixed"
    if before.status != after.status:
        return "changed_status"
    if is_bad and _evidence(before) != _evidence(after):
        return "changed_finding"
    return None


def _evidence(result: RuleResult) -> tuple[str | None, str | None]:
    return result.finding, result.actual


def _change(
    shown: RuleResult, *, before: RuleResult | None = None, after: RuleResult | None = None
) -> RuleChange:
    """Title, severity and section are those of `shown`."""
    change = RuleChange(
        rule_ref=shown.rule_ref,
        title=shown.title,
        severity=shown.severity,
        section=shown.section,
    )
    if before is not None:
        change = codec.replace(change, status_before=before.status, finding_before=before.finding)
    if after is not None:
        change = codec.replace(change, status_after=after.status, finding_after=after.finding)
    return change


def _scan_got_worse(before: Report, after: Report) -> bool:
    return before.status == "completed" and after.status == "failed"


def _scan(report: Report) -> ComparedScan:
    return ComparedScan(
        scan_id=report.scan_id,
        at=report.completed_at,
        profile=report.profile.name,
        status=report.status,
        score=report.summary.score,
        applicable_score=report.summary.applicable_score,
        failed=report.summary.failed,
    )


def _fact_changes(before: Report, after: Report) -> Iterator[FactChange]:
    new_facts = _facts(after)
    for name, old in _facts(before).items():
        new = new_facts[name]
        if old != new:
            yield FactChange(name=name, before=old, after=new)


def _facts(report: Report) -> dict[str, str | None]:
    content_version = content_fit = None
    if report.content is not None:
        content_version, content_fit = report.content.version, report.content.fit
    return {
        "profile": report.profile.name,
        "profile id": report.profile.id,
        "benchmark version": report.profile.version,
        "content version": content_version,
        "content fit": content_fit,
        "content": _content(report),
        "tailoring": tailoring_line(report),
        "not searched": ", ".join(report.not_searched) or None,
        "scanner version": report.scanner_version,
        "waivers": _waivers(report),
        "status": report.status,
    }


def _content(report: Report) -> str | None:
    """The file and the beginning of its digest: a file may change and keep its name."""
    if report.content is None:
        return None
    return f"{report.content.path} (sha256 {report.content.sha256[:12]})"


def _waivers(report: Report) -> str | None:
    """How many rules are waived, and the beginning of the digest: either may change alone."""
    if report.waivers is None:
        return None
    return f"{waived_rules(report)} waived (sha256 {report.waivers[:12]})"
