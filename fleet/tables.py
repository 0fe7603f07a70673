"""The tables of a fleet's results: Parquet, a part for each chunk of scans, partitioned by month.

    scans     one row for each scan: what was scanned, with what, and the counts
    results   one row for each rule of a scan
    evidence  one row for each rule of a scan that has a finding, an expected or an actual value

The scans of a chunk are written last, and name in their metadata the part that they replace.
`fleet.parts` removes what an interruption leaves.

Source of the columns: `schemas.report.Report`. Times are UTC, durations seconds, scores percent.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fleet.archive import Archive
from fleet.parts import REPLACES, part_name, remove_part
from schemas.receipt import Receipt
from schemas.records import Struct
from schemas.report import Report, RuleResult

_ROWS_PER_GROUP = 100_000
_TIME = pa.timestamp("us", tz="UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())

SCANS = pa.schema(
    [
        ("host", _NAME),
        ("scan_id", pa.string()),
        ("scanner", _NAME),
        ("profile", _NAME),
        ("profile_id", _NAME),
        ("benchmark_version", _NAME),
        ("status", _NAME),
        ("error", pa.string()),
        ("unreadable", pa.string()),
        ("started_at", _TIME),
        ("completed_at", _TIME),
        ("score", pa.float64()),
        ("applicable_score", pa.float64()),
        ("total_rules", pa.int32()),
        ("passed", pa.int32()),
        ("failed", pa.int32()),
        ("warnings", pa.int32()),
        ("skipped", pa.int32()),
        ("not_applicable", pa.int32()),
        ("errors", pa.int32()),
        ("waived", pa.int32()),
        ("scanner_version", _NAME),
        ("content_path", _NAME),
        ("content_sha256", _NAME),
        ("content_fit", _NAME),
        ("waivers", _NAME),
        ("answer", _NAME),
        ("answered_at", _TIME),
        ("report_sha256", pa.string()),
        ("parsed_with", _NAME),
    ]
)
RESULTS = pa.schema(
    [
        ("host", _NAME),
        ("scan_id", _NAME),
        ("number", pa.int32()),
        ("rule_ref", _NAME),
        ("title", _NAME),
        ("status", _NAME),
        ("severity", _NAME),
        ("section", _NAME),
        ("duration_s", pa.float64()),
        ("waived_by", _NAME),
        ("waiver_reason", _NAME),
        ("waiver_ticket", _NAME),
        ("waiver_expires", pa.date32()),
    ]
)
EVIDENCE = pa.schema(
    [
        ("host", _NAME),
        ("scan_id", _NAME),
        ("number", pa.int32()),
        ("rule_ref", _NAME),
        ("finding", pa.string()),
        ("expected", pa.string()),
        ("actual", pa.string()),
    ]
)
_SCHEMAS = {"scans": SCANS, "results": RESULTS, "evidence": EVIDENCE}
Row = dict[str, Any]


class ParsedScan(Struct, frozen=True):
    """One scan with its report, or why it has none."""

    host: str
    scan_id: str
    parsed_with: str
    """A digest of the parser's version, the settings and the waivers."""
    report: Report | None
    report_sha256: str | None = None
    unreadable: str | None = None
    receipt: Receipt | None = None


def write_part(
    archive: Archive,
    month: str,
    part: str,
    scans: Sequence[ParsedScan],
    *,
    replaces: str | None = None,
    kept: Sequence[tuple[str, str]] = (),
) -> None:
    """Write a chunk into the three tables, and remove the part that it replaces.

    It takes over the rows of the `kept` scans (host and id) from that part.
    """
    if replaces is None:
        for table, rows in _tables(scans, replaces=""):
            _write(archive, part_name(table, month, part), rows)
        return
    # A second attempt after an interruption may find the part written and the old one removed.
    if not archive.has(part_name("scans", month, part)):
        for table, rows in _tables(scans, replaces):
            old_name = part_name(table, month, replaces)
            all_rows = _with_kept(archive, old_name, kept, rows)
            _write(archive, part_name(table, month, part), all_rows)
    if replaces != part:
        remove_part(archive, month, replaces)


def _tables(scans: Sequence[ParsedScan], replaces: str) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each table; those of the scans come last."""
    rows = {
        "evidence": list(chain.from_iterable(map(_evidence_rows, scans))),
        "results": list(chain.from_iterable(map(_result_rows, scans))),
        "scans": list(map(_scan_row, scans)),
    }
    for table, its_rows in rows.items():
        described = _SCHEMAS[table].with_metadata({REPLACES: replaces})
        yield table, pa.Table.from_pylist(its_rows, schema=described)


def _with_kept(
    archive: Archive, old_name: str, kept: Sequence[tuple[str, str]], rows: pa.Table
) -> pa.Table:
    """The rows, with those of the kept scans from an old part."""
    if not kept:
        return rows
    old = pq.read_table(pa.BufferReader(archive.read(old_name)), use_threads=False)
    wanted = set(kept)
    scans = zip(old["host"].to_pylist(), old["scan_id"].to_pylist(), strict=True)
    is_kept = pa.array([scan in wanted for scan in scans], pa.bool_())
    return pa.concat_tables([rows, old.filter(is_kept)], promote_options="permissive")


def _write(archive: Archive, name: str, table: pa.Table) -> None:
    target = pa.BufferOutputStream()
    pq.write_table(table, target, compression="zstd", row_group_size=_ROWS_PER_GROUP)
    archive.write(name, target.getvalue().to_pybytes())


def _scan_row(scan: ParsedScan) -> Row:
    row: Row = {
        "host": scan.host,
        "scan_id": scan.scan_id,
        "unreadable": scan.unreadable,
        "report_sha256": scan.report_sha256,
        "parsed_with": scan.parsed_with,
    }
    if scan.receipt is not None:
        row |= {"answer": scan.receipt.answer, "answered_at": scan.receipt.at}
    if scan.report is not None:
        row |= _report_row(scan.report)
    return row


def _report_row(report: Report) -> Row:
    summary = report.summary
    row: Row = {
        "scanner": report.profile.type,
        "profile": report.profile.name,
        "profile_id": report.profile.id,
        "benchmark_version": report.profile.version,
        "status": report.status,
        "error": report.error,
        "started_at": report.started_at,
        "completed_at": report.completed_at,
        "scanner_version": report.scanner_version,
        "waivers": report.waivers,
        "waived": sum(1 for result in report.results if result.waiver is not None),
    }
    for name in (
        "total_rules",
        "passed",
        "failed",
        "warnings",
        "skipped",
        "not_applicable",
        "errors",
    ):
        row[name] = getattr(summary, name)
    if report.status == "completed":
        row |= {"score": summary.score, "applicable_score": summary.applicable_score}
    if report.content is not None:
        row |= {
            "content_path": report.content.path,
            "content_sha256": report.content.sha256,
            "content_fit": report.content.fit,
        }
    return row


def _result_rows(scan: ParsedScan) -> Iterator[Row]:
    for number, result in enumerate(_results(scan), 1):
        row: Row = _identity(scan, number, result) | {
            "title": result.title,
            "status": result.status,
            "severity": result.severity,
            "section": result.section,
            "duration_s": result.duration_s,
        }
        if result.waiver is not None:
            row |= {
                "waived_by": result.waiver.approved_by,
                "waiver_reason": result.waiver.reason,
                "waiver_ticket": result.waiver.ticket,
                "waiver_expires": result.waiver.expires,
            }
        yield row


def _evidence_rows(scan: ParsedScan) -> Iterator[Row]:
    for number, result in enumerate(_results(scan), 1):
        if result.finding or result.expected or result.actual:
            yield _identity(scan, number, result) | {
                "finding": result.finding,
                "expected": result.expected,
                "actual": result.actual,
            }


def _results(scan: ParsedScan) -> Sequence[RuleResult]:
    if scan.report is None:
        return ()
    return scan.report.results


def _identity(scan: ParsedScan, number: int, result: RuleResult) -> Row:
    return {
        "host": scan.host,
        "scan_id": scan.scan_id,
        "number": number,
        "rule_ref": result.rule_ref,
    }
