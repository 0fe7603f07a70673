"""From a scan in the spool to what a format is made from."""

import os
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice

from schemas.ids import ScanId
from schemas.manifest import RawFile, Role
from schemas.receipt import Receipt
from schemas.report import Report
from spool.errors import EntryMissingError
from spool.spool import Spool
from stages.console.scan_names import find_scan
from stages.formats.kept_scans import KeptScans
from stages.formats.source import ReportSource
from stages.formats.trend import TrendPoint, trend_point
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION

_CHUNK = 1 << 18
_MOST_POINTS = 60
"""Scans that a page's trend goes back to."""


def kept_report(spool: Spool, kept: KeptScans, name: str) -> Report:
    """The report of a scan that the command line names. Raises CommandError."""
    if not kept.scan_ids:
        raise CommandError("there is no report yet: see `compliance-agent list`", Exit.NO)
    scan_id = None
    if name == "last":
        scan_id = kept.newest()
    if scan_id is None:
        scan_id = find_scan(name, kept.scan_ids, "report of scan")
    return spool.reports.read(scan_id)


def report_source(spool: Spool, report: Report, receipt: Receipt | None) -> ReportSource:
    """The report of a scan of this spool, with its receipt, its history and its raw files."""
    scan_id = report.scan_id
    raw_file = partial(_raw_file, spool, scan_id)
    return ReportSource(
        report=report,
        agent_version=AGENT_VERSION,
        receipt=receipt,
        host=os.uname().nodename,
        history=_history(KeptScans(spool), report),
        raw_file=raw_file,
    )


def _history(kept: KeptScans, report: Report) -> tuple[TrendPoint, ...]:
    newest_first = islice(chain((report,), kept.of_profile(report)), _MOST_POINTS)
    return tuple(map(trend_point, newest_first))[::-1]


def _raw_file(spool: Spool, scan_id: ScanId | None, role: Role) -> Iterator[bytes] | None:
    """One of the scanner's own files; None where the scan has none, or its raw entry is gone."""
    if scan_id is None:
        return None
    try:
        file = spool.raw.manifest(scan_id).file(role)
    except EntryMissingError:
        return None
    if file is None:
        return None
    return raw_chunks(spool, scan_id, file)


def raw_chunks(spool: Spool, scan_id: ScanId, file: RawFile) -> Iterator[bytes]:
    """The content of a raw file, unpacked."""
    with spool.raw.open_file(scan_id, file) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
