"""The geometry of the page's charts: numbers for SVG attributes. Pure."""

from collections.abc import Mapping, Sequence

from schemas.records import Struct
from schemas.report import SEVERITIES, RuleResult, RuleStatus, Severity
from stages.formats import breakdown
from stages.formats.trend import TrendPoint

TREND_WIDTH = 320
TREND_HEIGHT = 80
_MARGIN = 6
_MOST_SECTIONS = 5
_DRAWN: tuple[RuleStatus, ...] = ("pass", "fail", "error", "warn", "skip", "notapplicable")
_GOOD_TO_BAD: tuple[RuleStatus, ...] = ("fail", "error", "warn", "pass")


class Segment(Struct, frozen=True):
    """A part of a ring or bar: where it begins and how long it is, in percent of the whole."""

    status: RuleStatus
    count: int
    start: float
    length: float


class SeverityBar(Struct, frozen=True):
    """The verdicts of the applicable rules of one severity."""

    severity: Severity
    total: int
    failed: int
    segments: tuple[Segment, ...]


class SectionBar(Struct, frozen=True):
    """A section's failed rules; `length` is in percent of the section with the most."""

    title: str
    failed: int
    length: float


class TrendLine(Struct, frozen=True):
    """A line for SVG: `points` are x,y pairs; `last` is where the newest score lies."""

    points: str
    last: tuple[float, float]
    lowest: float
    highest: float


def donut(counts: Mapping[RuleStatus, int]) -> tuple[Segment, ...]:
    return _segments(counts, _DRAWN)


def severity_bars(results: Sequence[RuleResult]) -> tuple[SeverityBar, ...]:
    """One bar for each severity that applicable rules have, worst first."""
    bars = []
    for severity in SEVERITIES:
        members = [result for result in results if result.severity == severity]
        counts = breakdown.count_by_status(members)
        segments = _segments(counts, _GOOD_TO_BAD)
        if segments:
            total = sum(segment.count for segment in segments)
            bars.append(SeverityBar(severity, total, counts["fail"], segments))
    return tuple(bars)


def section_bars(results: Sequence[RuleResult]) -> tuple[SectionBar, ...]:
    """The sections with the most failed rules, at most five."""
    groups = breakdown.by_section(breakdown.of_status(results, "fail"))
    largest = sorted(groups, key=lambda group: -len(group.results))[:_MOST_SECTIONS]
    if not largest:
        return ()
    most = len(largest[0].results)
    return tuple(
        SectionBar(group.path[-1], len(group.results), round(len(group.results) / most * 100, 3))
        for group in largest
    )


def trend_line(history: Sequence[TrendPoint]) -> TrendLine | None:
    """The scores over the scans, evenly spaced; None for fewer than two scores."""
    scores = [point.score for point in history if point.score is not None]
    if len(scores) < 2:
        return None
    step = (TREND_WIDTH - 2 * _MARGIN) / (len(scores) - 1)
    places = [(_MARGIN + number * step, _height(score)) for number, score in enumerate(scores)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return TrendLine(points, places[-1], min(scores), max(scores))


def _height(score: float) -> float:
    return _MARGIN + (100 - score) / 100 * (TREND_HEIGHT - 2 * _MARGIN)


def _segments(
    counts: Mapping[RuleStatus, int], statuses: Sequence[RuleStatus]
) -> tuple[Segment, ...]:
    total = sum(counts[status] for status in statuses)
    segments = []
    start = 0.0
    for status in statuses:
        if counts[status]:
            length = counts[status] / total * 100
            segments.append(Segment(status, counts[status], round(start, 3), round(length, 3)))
            start += length
    return tuple(segments)
