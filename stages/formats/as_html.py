"""The report as one self-contained page: no network, no external font, readable without scripts.

Failed rules come first with finding, expected and actual, rationale, fix and references; passed,
skipped and inapplicable rules are folded. The headline and the warnings are on top.

Security: every text of the scanner is hostile. Templates escape by default, invisible characters
are spelled out, links go to http and https alone, and the page's own policy (CSP) allows no
network and only the one style sheet and the one script whose digests it names.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from schemas.ids import short_rule_id
from schemas.records import Struct
from schemas.report import Fix, Report, RuleResult, RuleStatus, ScanStatus, Severity
from stages.formats import breakdown, charts
from stages.formats.breakdown import SectionGroup
from stages.formats.page import content_security_policy, environment, script, style_sheet
from stages.formats.scan_facts import outcome, scan_facts
from stages.formats.source import ReportSource
from stages.formats.standards import StandardReferences, by_standard
from stages.formats.visible import visible_line
from stages.runtime.printable import counted

_SEVERE: tuple[Severity, ...] = ("critical", "high")
_PIECES_PER_CHUNK = 400

_OUTCOMES: Mapping[ScanStatus, str] = {
    "failed": "The scan failed: it shows nothing about the compliance of this host.",
    "cancelled": "The scan was cancelled: it shows nothing about the compliance of this host.",
    "merged": "The request was answered by another scan, which has the results.",
}


class RuleView(Struct, frozen=True):
    """One rule as the page shows it."""

    anchor: str
    short_id: str
    result: RuleResult
    references: tuple[StandardReferences, ...]
    fixes: tuple[Fix, ...]


class GroupView(Struct, frozen=True):
    path: tuple[str, ...]
    rules: tuple[RuleView, ...]


class Bucket(Struct, frozen=True):
    """All rules of one status."""

    status: RuleStatus
    heading: str
    folded: bool
    groups: tuple[GroupView, ...]
    count: int


_BUCKETS: tuple[tuple[RuleStatus, str, bool], ...] = (
    ("fail", "Failed", False),
    ("error", "Could not be evaluated", False),
    ("warn", "Warnings", False),
    ("pass", "Passed", True),
    ("skip", "Skipped", True),
    ("notapplicable", "Not applicable", True),
)
"""Status, heading, folded."""


def render(source: ReportSource) -> Iterator[bytes]:
    report = source.report
    page = environment().get_template("report.html.jinja")
    style, actions = style_sheet(), script()
    stream = page.stream(
        report=report,
        source=source,
        headline=headline(report),
        status=_status(report),
        facts=scan_facts(source),
        counts=breakdown.count_by_status(report.results),
        labels=breakdown.STATUS_LABELS,
        severities=breakdown.present_severities(report.results),
        applicable=report.summary.applicable_score,
        applicable_rules=breakdown.applicable_rules(report),
        donut=charts.donut(breakdown.count_by_status(report.results)),
        severity_bars=charts.severity_bars(report.results),
        section_bars=charts.section_bars(report.results),
        trend=charts.trend_line(source.history),
        history=source.history,
        buckets=_buckets(report.results),
        partial_results=_in_order_of_buckets(report.partial_results),
        style=Markup(style),  # noqa: S704
        script=Markup(actions),  # noqa: S704
        policy=content_security_policy(style, actions),
    )
    stream.enable_buffering(_PIECES_PER_CHUNK)
    for chunk in stream:
        yield chunk.encode()


def _status(report: Report) -> str:
    """The status in one line, without the error, which is on top of the page."""
    if report.error:
        return report.status
    return outcome(report)


def headline(report: Report) -> str:
    """The result of the scan in a few short sentences."""
    if report.status != "completed":
        return _OUTCOMES[report.status]
    if report.summary.total_rules == 0:
        return "The scan evaluated no rule."
    counts = breakdown.count_by_status(report.results)
    applicable = breakdown.applicable_rules(report)
    if applicable == 0:
        return "No rule applies to this host."
    sentences = [_failures(report, applicable)]
    if counts["error"]:
        sentences.append(f"{counted(counts['error'], 'rule')} could not be evaluated.")
    if counts["warn"]:
        sentences.append(f"{counted(counts['warn'], 'rule')} ended with a warning.")
    return " ".join(sentences)


def _failures(report: Report, applicable: int) -> str:
    failed = breakdown.of_status(report.results, "fail")
    if applicable == 1:
        if failed:
            return "The only applicable rule failed."
        return "The only applicable rule did not fail."
    if not failed:
        return f"None of the {applicable} applicable rules failed."
    severe = sum(1 for result in failed if result.severity in _SEVERE)
    sentence = f"{len(failed)} of {applicable} applicable rules failed"
    if severe:
        return f"{sentence}, {severe} of high or critical severity."
    return f"{sentence}, none of high severity."


def _buckets(results: Sequence[RuleResult]) -> tuple[Bucket, ...]:
    anchors = _Anchors()
    buckets = []
    for status, heading, folded in _BUCKETS:
        members = breakdown.of_status(results, status)
        if members:
            groups = tuple(_group(group, anchors) for group in breakdown.by_section(members))
            buckets.append(Bucket(status, heading, folded, groups, len(members)))
    return tuple(buckets)


def _in_order_of_buckets(results: Sequence[RuleResult]) -> Sequence[RuleResult]:
    """Failed rules first; of one status in the order of the scan."""
    order = [status for status, _, _ in _BUCKETS]
    return sorted(results, key=lambda result: order.index(result.status))


def _group(group: SectionGroup, anchors: "_Anchors") -> GroupView:
    rules = tuple(_rule(result, anchors) for result in group.results)
    return GroupView(tuple(map(visible_line, group.path)), rules)


def _rule(result: RuleResult, anchors: "_Anchors") -> RuleView:
    short_id = visible_line(short_rule_id(result.rule_ref))
    return RuleView(
        anchor=anchors.make(short_id),
        short_id=short_id,
        result=result,
        references=by_standard(result.references),
        fixes=result.other_fixes,
    )


class _Anchors:
    """Names for links to single rules: stable from scan to scan, unique on a page."""

    _UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
    _LONGEST = 120

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def make(self, short_id: str) -> str:
        name = f"rule-{self._UNSAFE.sub('-', short_id)[: self._LONGEST]}"
        number = self._given.get(name, 0) + 1
        self._given[name] = number
        if number == 1:
            return name
        # A rule may really be called `…-2`: the numbered name is counted like any other.
        return self.make(f"{short_id[: self._LONGEST - 10]}-{number}")
