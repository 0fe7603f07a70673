"""A report for people: counts, score, and what failed."""

from collections.abc import Iterator

from schemas.receipt import Receipt
from schemas.report import Report, RuleResult
from stages.console.output import say, show_facts, show_table
from stages.formats.scan_facts import FIT

_WORST_FIRST = ("critical", "high", "medium", "low", "unknown")


def show_summary(report: Report, receipt: Receipt | None = None) -> None:
    """Counts, score and warnings; the reason of a failed scan first."""
    is_in_receipt = receipt is not None and receipt.message == report.error
    if report.error and not is_in_receipt:
        style = "red" if report.status == "failed" else "yellow"
        say(f"{report.status}: {report.error}", style)
    show_facts(_facts(report, receipt))
    for warning in report.warnings:
        say(f"warning: {warning}", "yellow")


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
        yield "score", f"{summary.score:.2f} %"
    duration = report.completed_at - report.started_at
    yield "duration", f"{duration.total_seconds():.1f} s"
    if report.content:
        yield "content", report.content.path
        yield "fit", FIT[report.content.fit]
    yield "read from", report.read_from
    if receipt:
        yield "answer", answer(receipt)


def show_failed(report: Report) -> None:
    """The failed rules, worst first."""
    failed = [result for result in report.results if result.status in ("fail", "error")]
    if not failed:
        return
    failed.sort(key=lambda result: _WORST_FIRST.index(result.severity))
    say()
    rows = [(result.severity, result.section, result.title, result.finding) for result in failed]
    show_table(("severity", "section", "failed rule", "finding"), rows)


def show_rule(result: RuleResult) -> None:
    """Everything known about one rule."""
    references = [f"{reference.standard} {reference.id}" for reference in result.references]
    other_fixes = [fix.system for fix in result.other_fixes]
    show_facts(
        (
            ("rule", result.rule_ref),
            ("title", result.title),
            ("status", result.status),
            ("severity", result.severity),
            ("section", result.section),
            ("finding", result.finding),
            ("actual", result.actual),
            ("expected", result.expected),
            ("description", result.description),
            ("rationale", result.rationale),
            ("advice" if result.advice else "remediation", result.remediation),
            ("references", ", ".join(references) or None),
            ("other fixes", ", ".join(other_fixes) or None),
        )
    )


def answer(receipt: Receipt) -> str:
    """A receipt in one line."""
    line: str = receipt.answer
    if receipt.destination:
        line += f" by {receipt.destination}"
    if receipt.message:
        line += f": {receipt.message}"
    return line
