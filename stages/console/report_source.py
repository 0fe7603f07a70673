"""From a scan in the spool to what a format is made from."""

import os
from collections.abc import Iterator
from itertools import chain, islice

from schemas.ids import ScanId
from schemas.manifest import RawFile
from schemas.receipt import Receipt
from schemas.report import Report
from spool.spool import Spool
from stages.console.entry_reading import read_if_kept
from stages.console.scan_names import find_scan
from stages.formats.kept_scans import KeptScans
from stages.formats.source import ReportSource
from stages.formats.trend import TrendPoint, trend_point
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION
from stages.scanners import registry

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
    """The report of a scan of this spool, with its receipt and its history."""
    return ReportSource(
        report=report,
        agent_version=AGENT_VERSION,
        receipt=receipt,
        host=os.uname().nodename,
        history=_history(KeptScans(spool), report),
    )


def _history(kept: KeptScans, report: Report) -> tuple[TrendPoint, ...]:
    newest_first = islice(chain((report,), kept.of_profile(report)), _MOST_POINTS)
    return tuple(map(trend_point, newest_first))[::-1]


def raw_format(spool: Spool, scan_id: ScanId, key: str) -> Iterator[bytes]:
    """The scanner's own file that a format of scanners is. Raises CommandError."""
    spec = registry.raw_formats()[key]
    role = spec.raw_formats[key]
    manifest = read_if_kept(spool.raw.manifest, scan_id)
    if manifest is not None:
        file = manifest.file(role)
        if file is not None:
            return raw_chunks(spool, scan_id, file)
    raise CommandError(f"this scan has no {spec.roles[role]}", Exit.NO)


def raw_chunks(spool: Spool, scan_id: ScanId, file: RawFile) -> Iterator[bytes]:
    """The content of a raw file, unpacked."""
    with spool.raw.open_file(scan_id, file) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
