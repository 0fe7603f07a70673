"""A report for people: counts, score, and what failed."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Literal

from schemas.ids import short_rule_id
from schemas.receipt import Receipt
from schemas.report import SEVERITIES, Report, RuleResult, RuleStatus
from stages.console.output import show_facts, show_table, show_text
from stages.formats.content_fit import FIT, content_line
from stages.formats.scan_facts import receipt_line, score_lines
from stages.formats.scan_scope import scope_facts
from stages.runtime.printable import counted

SortKey = Literal["severity", "section", "rule", "title", "status", "content"]
"""`content`: in the order of the scanner's content."""

FAILED: tuple[RuleStatus, ...] = ("fail", "error")
_SECTION_DIGITS = 9


def show_summary(report: Report, receipt: Receipt | None = None) -> None:
    """Counts, score and warnings; the reason of a failed scan first."""
    is_in_receipt = receipt is not None and receipt.message == report.error
    if report.error and not is_in_receipt:
        style = "yellow"
        if report.status == "failed":
            style = "red"
        show_text(f"{report.status}: {report.error}", style)
    show_facts(_facts(report, receipt))
    for warning in report.warnings:
        show_text(f"warning: {warning}", "yellow")


def _facts(report: Report, receipt: Receipt | None) -> Iterator[tuple[str, object]]:
    yield "profile", report.profile.name
    yield "status", report.status
    summary = report.summary
    if summary.total_rules:
        yield (
            "rules",
            (
                f"{summary.total_rules}: {summary.passed} passed, {summary.failed} failed, "
                f"{summary.warnings} warnings, {summary.errors} errors, "
                f"{summary.skipped} skipped ({summary.not_applicable} not applicable)"
            ),
        )
        yield from ((label.lower(), value) for label, value in score_lines(report))
    if report.partial_results:
        yield "partial", f"{_evaluated(report)} before the scan ended, not counted"
    duration = report.completed_at - report.started_at
    yield "duration", f"{duration.total_seconds():.1f} s"
    if report.content:
        yield "content", content_line(report.content.path, report.content.version)
        yield "origin", report.content.origin
        yield "fit", FIT[report.content.fit]
    yield from ((label.lower(), value) for label, value in scope_facts(report))
    yield "read from", report.read_from
    if receipt:
        yield "answer", receipt_line(receipt)


def show_failed(report: Report) -> None:
    """The failed rules, worst first."""
    show_results(report, FAILED, "severity")


def show_results(report: Report, statuses: Collection[RuleStatus], sort: SortKey) -> None:
    """A line for each rule with one of these statuses."""
    results = report.results or report.partial_results
    chosen = [result for result in results if result.status in statuses]
    if not chosen:
        return
    if sort != "content":
        chosen.sort(key=_SORT_KEYS[sort])
    show_text()
    columns = ("status", "severity", "rule", "section", "title", "finding")
    show_table(columns, map(_result_row, chosen))


def _evaluated(report: Report) -> str:
    count = len(report.partial_results)
    failed = sum(result.status == "fail" for result in report.partial_results)
    return f"{counted(count, 'rule')} evaluated ({failed} failed)"


def _result_row(result: RuleResult) -> tuple[object, ...]:
    return (
        result.status,
        result.severity,
        short_rule_id(result.rule_ref),
        result.section,
        result.title,
        result.finding,
    )


def _by_severity(result: RuleResult) -> tuple[object, ...]:
    return (SEVERITIES.index(result.severity),)


def _by_section(result: RuleResult) -> tuple[object, ...]:
    """Sections like 1.10 come after 1.9."""
    section = result.section or ""
    return (result.section is None, [part.zfill(_SECTION_DIGITS) for part in section.split(".")])


_SORT_KEYS: Mapping[SortKey, Callable[[RuleResult], tuple[object, ...]]] = {
    "severity": _by_severity,
    "section": _by_section,
    "rule": lambda result: (result.rule_ref,),
    "title": lambda result: (result.title.casefold(),),
    "status": lambda result: (result.status, _by_severity(result)),
}


def show_rule(result: RuleResult) -> None:
    """Everything known about one rule."""
    duration = None
    if result.duration_s is not None:
        duration = f"{result.duration_s:.3f} s"
    references = [f"{reference.standard} {reference.id}" for reference in result.references]
    other_fixes = [fix.system for fix in result.other_fixes]
    remediation = "remediation"
    if result.advice:
        remediation = "advice"
    show_facts(
        (
            ("rule", result.rule_ref),
            ("title", result.title),
            ("status", result.status),
            ("severity", result.severity),
            ("section", result.section),
            ("duration", duration),
            ("fixed", result.fixed_at and f"{result.fixed_at:%Y-%m-%d %H:%M:%SZ}"),
            ("finding", result.finding),
            ("actual", result.actual),
            ("expected", result.expected),
            ("description", result.description),
            ("rationale", result.rationale),
            (remediation, result.remediation),
            ("references", ", ".join(references) or None),
            ("other fixes", ", ".join(other_fixes) or None),
        )
    )
