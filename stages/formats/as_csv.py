"""One row per rule, for spreadsheets: RFC 4180, UTF-8.

Each row repeats the scan's own fields, so that files of several scans can be put together. A scan
without results is one row without a rule: a failed scan never reads as an empty, clean one.

Security: a cell that a spreadsheet would take for a formula gets an apostrophe in front. Every
cell is quoted, so no text can end its cell.
"""

import csv
import io
from collections.abc import Iterator

from schemas.report import AppliedWaiver, Report, RuleResult
from stages.formats.scan_scope import tailoring_file
from stages.formats.source import ReportSource
from stages.formats.visible import harmless_cell

COLUMNS = (
    "host",
    "scan_id",
    "scanner",
    "profile",
    "completed_at",
    "scan_status",
    "scan_error",
    "score",
    "applicable_score",
    "tailoring",
    "not_searched",
    "rule",
    "title",
    "status",
    "severity",
    "section",
    "finding",
    "expected",
    "actual",
    "rationale",
    "remediation",
    "references",
    "duration_s",
    "status_without_waiver",
    "waived_by",
    "waiver_ticket",
    "waiver_expires",
    "fixed_at",
)
_SCAN_COLUMNS = COLUMNS.index("rule")
_ROWS_PER_CHUNK = 200


def render(source: ReportSource) -> Iterator[bytes]:
    target = io.StringIO()
    writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    scan = _scan_cells(source)
    results = source.report.results
    if not results:
        writer.writerow(_harmless([*scan, *_rule_cells(None)]))
    for number, result in enumerate(results, 1):
        writer.writerow(_harmless([*scan, *_rule_cells(result)]))
        if number % _ROWS_PER_CHUNK == 0:
            yield target.getvalue().encode()
            target.seek(0)
            target.truncate()
    yield target.getvalue().encode()


def _scan_cells(source: ReportSource) -> list[str | None]:
    report: Report = source.report
    tailoring = None
    if report.tailoring is not None:
        tailoring = tailoring_file(report.tailoring)
    return [
        source.host,
        report.scan_id,
        report.profile.type,
        report.profile.name,
        report.completed_at.isoformat(),
        report.status,
        report.error,
        *_score_cells(report),
        tailoring,
        "; ".join(report.not_searched),
    ]


def _score_cells(report: Report) -> list[str | None]:
    """Both scores; none of a scan that did not complete."""
    summary = report.summary
    if report.status != "completed" or not summary.total_rules:
        return [None, None]
    applicable = None
    if summary.applicable_score is not None:
        applicable = f"{summary.applicable_score:.2f}"
    return [f"{summary.score:.2f}", applicable]


def _rule_cells(result: RuleResult | None) -> list[str | None]:
    if result is None:
        return [None] * (len(COLUMNS) - _SCAN_COLUMNS)
    references = "; ".join(f"{each.standard} {each.id}" for each in result.references)
    duration = None
    if result.duration_s is not None:
        duration = f"{result.duration_s:.3f}"
    fixed_at = None
    if result.fixed_at is not None:
        fixed_at = result.fixed_at.isoformat()
    return [
        result.rule_ref,
        result.title,
        result.status,
        result.severity,
        result.section,
        result.finding,
        result.expected,
        result.actual,
        result.rationale,
        result.remediation,
        references,
        duration,
        *_waiver_cells(result.waiver),
        fixed_at,
    ]


def _waiver_cells(waiver: AppliedWaiver | None) -> list[str | None]:
    if waiver is None:
        return [None] * 4
    expires = "never"
    if waiver.expires is not None:
        expires = waiver.expires.isoformat()
    return [waiver.status, waiver.approved_by, waiver.ticket, expires]


def _harmless(cells: list[str | None]) -> list[str]:
    return [harmless_cell(cell or "") for cell in cells]
