"""Parsing a chunk of scans, on a worker of the cluster.

Each raw entry is read by the same code as on its host, in a child process with limits of memory,
time and file size: an entry that kills the child becomes a row with the reason, and the worker goes
on. The report has the bytes that its host would write with this version, these settings and
waivers.
"""

import tempfile
import threading
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from fleet.adding import fetch_raw
from fleet.archive import Archive, month_of
from fleet.tables import ParsedScan, write_part
from schemas import codec
from schemas.archive import RECEIPT, ArchivedHost, ArchivedScan
from schemas.codec import replace
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report
from spool import frame
from spool.entries import seal_report
from spool.errors import EntryError, SpoolError
from spool.spool import Spool
from stages.parse.read_task import READ_ENTRY, ReadTask
from stages.runtime.command_error import CommandError
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.version import AGENT_VERSION
from stages.runtime.worker import Confinement, Worker, WorkerError
from stages.scanners import failed_reports

_LIMIT_S = 600.0
_CONFINEMENT = Confinement(memory_bytes=4 * 1024**3, file_bytes=1024**3)
_local = threading.local()


class ScanToParse(Record, frozen=True, kw_only=True):
    """One scan, and the digest of what it is parsed with."""

    host: str
    scan: ArchivedScan
    parsed_with: str


class Chunk(Record, frozen=True, kw_only=True):
    """Scans of one month, and the name of the part that they become."""

    agent_version: str
    """The version of the command, which is a part of every `parsed_with`."""
    archive: str
    month: str
    part: str
    replaces: str | None
    """The part that it replaces."""
    kept: tuple[tuple[str, str], ...]
    """Hosts and ids of the scans whose rows it takes over from that part."""
    hosts: dict[str, ArchivedHost]
    scans: tuple[ScanToParse, ...]


class ChunkDone(Record, frozen=True, kw_only=True):
    """The result of a chunk."""

    scans: int
    unreadable: dict[str, str]
    """Reasons by host and scan."""


def parse_chunk(payload: bytes) -> bytes:
    """The encoded `ChunkDone` of an encoded `Chunk`. Raises CommandError."""
    chunk = codec.decode(payload, Chunk)
    if chunk.agent_version != AGENT_VERSION:
        raise CommandError(
            f"this worker has version {AGENT_VERSION} of the agent, the command "
            f"{chunk.agent_version}: install the same"
        )
    archive = Archive(chunk.archive)
    with tempfile.TemporaryDirectory(prefix="compliance-fleet-") as directory:
        reader = ArchiveReader(archive, chunk.hosts, Path(directory))
        parsed = [_parse(archive, reader, each) for each in chunk.scans]
    write_part(archive, chunk.month, chunk.part, parsed, replaces=chunk.replaces, kept=chunk.kept)
    unreadable: dict[str, str] = {}
    for each in parsed:
        if each.unreadable is not None:
            unreadable[f"{each.host} {each.scan_id}"] = each.unreadable
    return codec.encode(ChunkDone(scans=len(parsed), unreadable=unreadable))


def _parse(archive: Archive, reader: "ArchiveReader", each: ScanToParse) -> ParsedScan:
    scan_id = each.scan.scan_id
    parsed = ParsedScan(each.host, scan_id, each.parsed_with, None)
    try:
        report = reader.report(each.host, each.scan)
        entry = seal_report(report)
    except (SpoolError, OSError, WorkerError) as error:
        reason = str(error).replace(f"{reader.directory}/", "")
        return replace(parsed, unreadable=reason)
    archive.write(report_name(each.host, scan_id), entry)
    return replace(
        parsed,
        report=report,
        report_sha256=sha256(entry).hexdigest(),
        receipt=_receipt(archive, each),
    )


class ArchiveReader:
    """Reads scans of an archive, each by a copy in a local spool."""

    def __init__(
        self, archive: Archive, hosts: Mapping[str, ArchivedHost], directory: Path
    ) -> None:
        self.directory = directory
        self._archive = archive
        self._hosts = hosts
        self._settings: dict[str, dict[str, Any]] = {}
        self._spool = Spool(directory)
        self._spool.raw.path.mkdir()

    def report(self, host_key: str, scan: ArchivedScan) -> Report:
        """The report as the parse stage makes it. Raises SpoolError, WorkerError, OSError."""
        try:
            fetch_raw(self._archive, host_key, scan, self._spool)
            return self._read(host_key, scan)
        finally:
            self._spool.raw.remove(scan.scan_id)

    def _read(self, host_key: str, scan: ArchivedScan) -> Report:
        manifest = self._spool.raw.manifest(scan.scan_id)
        without_results = failed_reports.if_nothing_to_read(manifest)
        if without_results is not None:
            return without_results
        task = ReadTask(
            spool=str(self.directory),
            scan_id=scan.scan_id,
            settings=self._settings_of(host_key),
            host=self._hosts[host_key].hostname,
        )
        return codec.decode(_worker().call(codec.encode(task), _LIMIT_S), Report)

    def _settings_of(self, host_key: str) -> dict[str, Any]:
        if host_key not in self._settings:
            place = self.directory / f"waivers-{len(self._settings)}.d"
            self._settings[host_key] = _settings(place, self._hosts[host_key])
        return self._settings[host_key]


def _settings(waivers_place: Path, host: ArchivedHost) -> dict[str, Any]:
    """The settings of the host, with its waivers in a file of this directory."""
    waivers_place.mkdir()
    path = waivers_place / "fleet.yml"
    # JSON is YAML.
    path.write_bytes(codec.encode(host.waivers))
    path.chmod(0o644)
    compliance = dict(host.compliance)
    waivers = dict(compliance.get("waivers") or {})
    # A waiver that was valid on the host is valid here, also without an end.
    compliance["waivers"] = waivers | {"directory": str(waivers_place), "open_ended": True}
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
    """Where the archive keeps a report of `fleet parse`."""
    return f"reports/host={host}/month={month_of(scan_id)}/{scan_id}.report"


def _worker() -> Worker:
    """The worker process of this thread: it answers one call at a time."""
    found: Worker | None = getattr(_local, "worker", None)
    if found is None:
        found = Worker(StandaloneHost(), READ_ENTRY, confinement=_CONFINEMENT)
        _local.worker = found
    return found
