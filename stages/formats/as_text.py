"""The report as plain text: facts, scores, warnings, then every rule, failed ones first.

Failed rules come with everything that helps to judge them, all others with one line. Text of the
scanner is shown with control characters spelled out.
"""

from collections.abc import Iterator, Sequence

from schemas.ids import short_rule_id
from schemas.report import Report, RuleResult, RuleStatus
from stages.formats import breakdown
from stages.formats.scan_facts import Fact, outcome, scan_facts, score_lines
from stages.formats.source import ReportSource
from stages.formats.visible import visible, visible_line

_IN_DETAIL: tuple[RuleStatus, ...] = ("fail", "error", "warn")
_BRIEFLY: tuple[RuleStatus, ...] = ("pass", "skip", "notapplicable")
_HEADINGS: dict[RuleStatus, str] = {
    "fail": "Failed rules",
    "error": "Rules that could not be evaluated",
    "warn": "Warnings",
    "pass": "Passed rules",
    "skip": "Skipped rules",
    "notapplicable": "Rules that are not applicable",
}
_PARTIAL = "Rules that were evaluated before the scan ended; they are not counted"


def render(source: ReportSource) -> Iterator[bytes]:
    for line in _lines(source):
        yield f"{line}\n".encode()


def _lines(source: ReportSource) -> Iterator[str]:
    report = source.report
    facts: list[Fact] = [*scan_facts(source), ("Status", outcome(report)), *score_lines(report)]
    facts.append(("Rules", _counts(report)))
    yield from _table(facts)
    for warning in report.warnings:
        yield f"warning: {visible_line(warning)}"
    for status in _IN_DETAIL:
        yield from _detailed(_HEADINGS[status], breakdown.of_status(report.results, status))
    for status in _BRIEFLY:
        yield from _brief(_HEADINGS[status], breakdown.of_status(report.results, status))
    yield from _brief(_PARTIAL, report.partial_results)


def _counts(report: Report) -> str:
    if report.summary.total_rules == 0:
        return "none"
    counts = breakdown.count_by_status(report.results)
    shown = [
        f"{count} {breakdown.STATUS_LABELS[status]}" for status, count in counts.items() if count
    ]
    return f"{report.summary.total_rules}: {', '.join(shown)}"


def _detailed(heading: str, results: Sequence[RuleResult]) -> Iterator[str]:
    if not results:
        return
    yield ""
    yield f"{heading} ({len(results)})"
    for group in breakdown.by_section(results):
        yield ""
        yield f"  {visible_line(' > '.join(group.path))}"
        for result in group.results:
            yield _rule_line(result)
            yield from _details(result)


def _brief(heading: str, results: Sequence[RuleResult]) -> Iterator[str]:
    if not results:
        return
    yield ""
    yield f"{heading} ({len(results)})"
    for result in results:
        yield _rule_line(result)
        if result.finding and result.status == "skip":
            yield from _details(result)


def _rule_line(result: RuleResult) -> str:
    rule = short_rule_id(result.rule_ref)
    title = f"{visible_line(result.title)} [{visible_line(rule)}]"
    return f"  {result.status:<13} {result.severity:<8} {title}"


def _details(result: RuleResult) -> Iterator[str]:
    texts = (
        ("finding", result.finding),
        ("expected", result.expected),
        ("actual", result.actual),
        (breakdown.remediation_label(result), result.remediation),
    )
    for name, text in texts:
        if text:
            yield from _block(name, visible(text))


def _block(name: str, text: str) -> Iterator[str]:
    """The label in front of the first line, further lines below it."""
    label = name
    for line in text.strip("\n").split("\n"):
        yield f"      {label:<9} {line}".rstrip()
        label = ""


def _table(facts: Sequence[Fact]) -> Iterator[str]:
    width = max(len(label) for label, _ in facts)
    for label, value in facts:
        yield f"{label:<{width}}  {value}"
