"""A report for people: counts, score, what failed."""

from schemas.receipt import Receipt
from schemas.report import Report, RuleResult
from stages.console.output import say, show_facts, show_table

_WORST_FIRST = ("critical", "high", "medium", "low", "unknown")


def show_summary(report: Report, receipt: Receipt | None = None) -> None:
    """Counts, score and warnings; a failed scan's reason first."""
    if report.error and not (receipt and receipt.message == report.error):
        say(f"{report.status}: {report.error}", "red" if report.status == "failed" else "yellow")
    summary = report.summary
    counts = (
        f"{summary.passed} passed, {summary.failed} failed, {summary.warnings} warnings, {summary.errors} errors, "
        f"{summary.skipped} skipped ({summary.not_applicable} not applicable)"
    )
    show_facts(
        (
            ("profile", report.profile.name),
            ("status", report.status),
            ("rules", f"{summary.total_rules}: {counts}" if summary.total_rules else None),
            ("score", f"{summary.score:.2f} %" if summary.total_rules else None),
            ("took", f"{(report.completed_at - report.started_at).total_seconds():.1f} s"),
            ("content", report.content.path if report.content else None),
            ("read from", report.read_from),
            ("answer", answer(receipt) if receipt else None),
        )
    )
    for warning in report.warnings:
        say(f"warning: {warning}", "yellow")


def show_failed(report: Report) -> None:
    """The failed rules, worst first."""
    failed = [result for result in report.results if result.status in ("fail", "error")]
    if not failed:
        return
    failed.sort(key=lambda result: _WORST_FIRST.index(result.severity))
    say()
    rows = ((result.severity, result.section, result.title, result.finding) for result in failed)
    show_table(("severity", "section", "failed rule", "finding"), rows)


def show_rule(result: RuleResult) -> None:
    """Everything known of one rule."""
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
            ("references", ", ".join(f"{r.standard} {r.id}" for r in result.references) or None),
            ("other fixes", ", ".join(fix.system for fix in result.other_fixes) or None),
        )
    )


def answer(receipt: Receipt) -> str:
    """A receipt in one line."""
    message = f": {receipt.message}" if receipt.message else ""
    where = f" by {receipt.destination}" if receipt.destination else ""
    return f"{receipt.answer}{where}{message}"
