"""How the score and the failed rules of a profile change over the scans that are kept. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from schemas.ids import ScanId, Scanner
from schemas.records import Record
from schemas.report import SEVERITIES, Report, Severity
from stages.formats import breakdown
from stages.formats.visible import harmless_cell, visible_line

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"


class TrendPoint(Record, frozen=True, kw_only=True):
    """One scan. Without a score: the scan failed, was cancelled, or had no rules."""

    scan_id: ScanId | None
    at: datetime
    status: str
    score: float | None = None
    applicable_score: float | None = None
    passed: int = 0
    failed: int = 0
    errors: int = 0
    failed_by_severity: tuple[tuple[Severity, int], ...] = ()
    """Severities that occur, worst first."""


class Trend(Record, frozen=True, kw_only=True):
    """All kept scans of a profile, oldest first."""

    scanner: Scanner
    profile: str
    points: tuple[TrendPoint, ...]


def trends(newest_first: Iterable[Report]) -> tuple[Trend, ...]:
    """The trend of each profile, the profile of the newest scan first.

    Reports are read one after the other: no more than one is held.
    """
    points: dict[tuple[Scanner, str], list[TrendPoint]] = {}
    for report in newest_first:
        key = (report.profile.type, report.profile.name)
        points.setdefault(key, []).append(trend_point(report))
    return tuple(
        Trend(scanner=scanner, profile=profile, points=tuple(reversed(found)))
        for (scanner, profile), found in points.items()
    )


def trend_point(report: Report) -> TrendPoint:
    failed = breakdown.of_status(report.results, "fail")
    score = None
    applicable_score = None
    if report.status == "completed" and report.summary.total_rules > 0:
        score = report.summary.score
        applicable_score = report.summary.applicable_score
    return TrendPoint(
        scan_id=report.scan_id,
        at=report.completed_at,
        status=report.status,
        score=score,
        applicable_score=applicable_score,
        passed=report.summary.passed,
        failed=report.summary.failed,
        errors=report.summary.errors,
        failed_by_severity=breakdown.present_severities(failed),
    )


def sparkline(values: Iterable[float | None], *, low: float = 0.0, high: float = 100.0) -> str:
    """One character per value; a dot stands for a missing one."""
    return "".join(_block(value, low, high) for value in values)


def _block(value: float | None, low: float, high: float) -> str:
    if value is None:
        return _GAP
    if high <= low:
        return _BLOCKS[-1]
    share = (min(max(value, low), high) - low) / (high - low)
    return _BLOCKS[round(share * (len(_BLOCKS) - 1))]


def trend_text(trend: Trend) -> str:
    """A sparkline of the score and a line per scan."""
    lines = [visible_line(trend.profile), *_sparklines(trend.points), ""]
    lines += list(map(_point_line, trend.points))
    return "\n".join(lines) + "\n"


def _sparklines(points: Sequence[TrendPoint]) -> Iterator[str]:
    scores = [point.score for point in points]
    if not _known(scores):
        yield "no kept scan has a score"
        return
    applicable = [point.applicable_score for point in points]
    failed = list(map(_failed, points))
    highest = max(_known(failed))
    yield _score_line("score", scores)
    if _known(applicable):
        yield _score_line("applicable score", applicable)
    yield f"{'failed':<16}  {sparkline(failed, high=highest)}  at most {highest:.0f}"


def _score_line(name: str, scores: Sequence[float | None]) -> str:
    known = _known(scores)
    return (
        f"{name:<16}  {sparkline(scores)}  {known[0]:.2f} % to {known[-1]:.2f} %"
        f" (lowest {min(known):.2f} %, highest {max(known):.2f} %)"
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _failed(point: TrendPoint) -> float | None:
    if point.score is None:
        return None
    return float(point.failed)


def _point_line(point: TrendPoint) -> str:
    at = f"{point.at:%Y-%m-%d %H:%M}"
    if point.score is None:
        return f"{at}  {point.status}"
    severities = ", ".join(f"{count} {severity}" for severity, count in point.failed_by_severity)
    line = f"{at}  score {point.score:6.2f} %"
    if point.applicable_score is not None:
        line += f"  applicable score {point.applicable_score:6.2f} %"
    line += f"  {point.failed} failed"
    if severities:
        line += f" ({severities})"
    return line


def trend_csv(trends: Iterable[Trend]) -> str:
    """A row per scan of each profile. A spreadsheet takes no cell for a formula."""
    target = io.StringIO()
    writer = csv.writer(target, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(_columns())
    for trend in trends:
        for point in trend.points:
            writer.writerow([trend.scanner, harmless_cell(trend.profile), *_row(point)])
    return target.getvalue()


def _columns() -> Sequence[str]:
    severities = [f"failed_{severity}" for severity in SEVERITIES]
    return (
        "scanner",
        "profile",
        "scan_id",
        "at",
        "status",
        "score",
        "applicable_score",
        "passed",
        "failed",
        "errors",
        *severities,
    )


def _row(point: TrendPoint) -> Sequence[object]:
    failed = dict(point.failed_by_severity)
    severities = [failed.get(name, 0) for name in SEVERITIES]
    return (
        point.scan_id,
        point.at.isoformat(),
        point.status,
        point.score,
        point.applicable_score,
        point.passed,
        point.failed,
        point.errors,
        *severities,
    )
