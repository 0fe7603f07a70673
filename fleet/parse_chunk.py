"""Parsing a chunk of scans: what runs on a worker of the cluster.

Each raw entry is read by the same code as on its host, in a child process with limits of memory,
time and file size: what kills the child is a row with its reason and does not end the worker. The
report has the bytes that its host would write with this version, these settings and waivers.
"""

import tempfile
import threading
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from fleet.adding import fetched
from fleet.archive import Archive, month_of
from fleet.tables import ParsedScan, write_part
from schemas import codec
from schemas.archive import RECEIPT, ArchivedHost, ArchivedScan
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report
from spool import frame
from spool.errors import EntryError, SpoolError
from spool.spool import Spool
from stages.parse.read_task import READ_ENTRY, ReadTask
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import Confinement, Worker, WorkerError
from stages.scanners import failed_reports

_LIMIT_S = 600.0
_CONFINEMENT = Confinement(memory_bytes=4 * 1024**3, file_bytes=1024**3)
_WAIVERS_FILE = "waivers.d/fleet.yml"
_local = threading.local()


class ScanToParse(Record, frozen=True, kw_only=True):
    """One scan, and with what it is to be parsed."""

    host: str
    scan: ArchivedScan
    parsed_with: str


class Chunk(Record, frozen=True, kw_only=True):
    """Scans of one month, and the name of the part that they become."""

    archive: str
    month: str
    part: str
    replaces: tuple[str, ...]
    hosts: dict[str, ArchivedHost]
    scans: tuple[ScanToParse, ...]


class ChunkDone(Record, frozen=True, kw_only=True):
    """What became of a chunk."""

    scans: int
    unreadable: dict[str, str]
    """Reasons by host and scan."""


def parse_chunk(payload: bytes) -> bytes:
    """The encoded `ChunkDone` of an encoded `Chunk`."""
    chunk = codec.decode(payload, Chunk)
    archive = Archive(chunk.archive)
    parsed = [_parse(archive, chunk.hosts[each.host], each) for each in chunk.scans]
    write_part(archive, chunk.month, chunk.part, parsed, chunk.replaces)
    unreadable = {
        f"{each.host} {each.scan_id}": each.unreadable for each in parsed if each.unreadable
    }
    return codec.encode(ChunkDone(scans=len(parsed), unreadable=unreadable))


def _parse(archive: Archive, host: ArchivedHost, each: ScanToParse) -> ParsedScan:
    scan_id = each.scan.scan_id
    parsed = ParsedScan(each.host, scan_id, each.parsed_with, None)
    with tempfile.TemporaryDirectory(prefix="compliance-fleet-") as directory:
        spool = Spool(Path(directory))
        try:
            fetched(archive, each.host, each.scan, spool)
            report = _report(spool, host, each.scan)
            spool.reports.path.mkdir()
            spool.reports.write(report)
            entry = (spool.reports.path / spool.reports.name(scan_id)).read_bytes()
        except (SpoolError, OSError, WorkerError) as error:
            reason = str(error).replace(f"{directory}/", "")
            return replace(parsed, unreadable=reason)
    archive.write(report_name(each.host, scan_id), entry)
    return replace(
        parsed,
        report=report,
        report_sha256=sha256(entry).hexdigest(),
        receipt=_receipt(archive, each),
    )


def _report(spool: Spool, host: ArchivedHost, scan: ArchivedScan) -> Report:
    """As the parse stage makes it. Raises SpoolError, WorkerError."""
    manifest = spool.raw.manifest(scan.scan_id)
    without_results = failed_reports.if_nothing_to_read(manifest)
    if without_results is not None:
        return without_results
    task = ReadTask(
        spool=str(spool.root),
        scan_id=scan.scan_id,
        settings=_settings(spool.root, host),
        host=host.hostname,
    )
    return codec.decode(_worker().call(codec.encode(task), _LIMIT_S), Report)


def _settings(root: Path, host: ArchivedHost) -> dict[str, Any]:
    """The host's own, with its waivers in a file of this directory."""
    path = root / _WAIVERS_FILE
    path.parent.mkdir(exist_ok=True)
    # JSON is YAML.
    path.write_bytes(codec.encode(host.waivers))
    path.chmod(0o644)
    compliance = dict(host.compliance)
    waivers = dict(compliance.get("waivers") or {})
    # What was valid on the host is valid here, also if it had no end.
    compliance["waivers"] = waivers | {"directory": str(path.parent), "open_ended": True}
    return {"compliance": compliance}


def _receipt(archive: Archive, each: ScanToParse) -> Receipt | None:
    file = each.scan.file(RECEIPT)
    if file is None:
        return None
    with archive.open_file(each.host, each.scan.scan_id, file) as stream:
        sealed = stream.read()
    try:
        return codec.decode(frame.unseal("receipt", sealed), Receipt)
    except (EntryError, codec.SchemaError):
        return None


def report_name(host: str, scan_id: Any) -> str:
    """Where the archive keeps the report that was made here."""
    return f"reports/host={host}/month={month_of(scan_id)}/{scan_id}.report"


def _worker() -> Worker:
    """One for each thread: a worker answers one call after the other."""
    found: Worker | None = getattr(_local, "worker", None)
    if found is None:
        found = Worker(StandaloneHost(), READ_ENTRY, confinement=_CONFINEMENT)
        _local.worker = found
    return found
