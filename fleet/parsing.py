"""`fleet parse`: raw entries to reports and tables, on a Dask cluster.

Promises: what is done is not done again: a scan is parsed only if the tables do not have it as this
parser, with the settings and waivers of its host, would make it. Work is cut into chunks of one
month; a chunk that is done stays done whatever is killed afterwards. A bad entry is a row with its
reason.
"""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any

from distributed import Client, Future, LocalCluster, as_completed

from fleet.archive import Archive, month_of
from fleet.errors import FleetError
from fleet.parse_chunk import Chunk, ChunkDone, ScanToParse, parse_chunk
from fleet.parts import KnownPart, known_parts, remove_leftovers
from schemas import codec
from schemas.archive import RECEIPT, REPORT, ArchivedHost, ArchivedScan
from schemas.ids import requested_at
from schemas.report import ReportHeader
from schemas.waiver import Waiver
from spool import frame
from spool.errors import EntryError
from stages.runtime.version import AGENT_VERSION

CHUNK_SCANS = 20
_TRIES = 3
_CONNECT_S = 30
_HEADER_BYTES = 64 * 1024
_NEW = ""
"""In the place of the part that has a scan, where none has it."""


@dataclass(frozen=True)
class Choice:
    """Which scans are parsed, and with what instead of their host's own."""

    since: datetime | None = None
    profile: str | None = None
    """Only where the archived report is of a profile whose name contains this."""
    waivers: tuple[Waiver, ...] | None = None
    compliance: dict[str, Any] | None = None


@dataclass
class Plan:
    """What there is to do."""

    chunks: list[Chunk] = field(default_factory=list)
    scans: int = 0
    up_to_date: int = 0
    without_raw: int = 0


@dataclass
class Outcome:
    """What was done."""

    parsed: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _HostScans:
    """A host, with what its scans are parsed, and its scans in the archive."""

    host: ArchivedHost
    depends_on: bytes
    """What its reports depend on besides their raw entries."""
    scans: tuple[ArchivedScan, ...]

    def to_parse(self, scan: ArchivedScan) -> ScanToParse:
        receipt = scan.file(RECEIPT)
        # Receipts are a column of the tables.
        answer = receipt.sha256 if receipt else ""
        digest = sha256(self.depends_on + answer.encode()).hexdigest()
        return ScanToParse(host=self.host.key, scan=scan, parsed_with=digest[:16])


def plan(archive: Archive, choice: Choice, chunk_scans: int = CHUNK_SCANS) -> Plan:
    """Compare the archive with its tables. Removes what an interrupted run left.

    Of the scans that are up to date nothing is kept in memory.
    """
    known = remove_leftovers(archive, known_parts(archive))
    parts = {(part.month, scan): part for part in known for scan in part.scans}
    found = Plan()
    hosts: dict[str, ArchivedHost] = {}
    stale: dict[tuple[str, str], list[ScanToParse]] = {}
    for host in _hosts(archive, choice):
        for scan in _chosen(archive, choice, host, found):
            wanted = host.to_parse(scan)
            month = month_of(scan.scan_id)
            part = parts.get((month, (wanted.host, scan.scan_id)))
            if part is not None and part.scans[wanted.host, scan.scan_id] == wanted.parsed_with:
                found.up_to_date += 1
                continue
            hosts[wanted.host] = host.host
            name = _NEW
            if part is not None:
                name = part.name
            stale.setdefault((month, name), []).append(wanted)
            found.scans += 1
    by_name = {part.name: part for part in known}
    for (month, name), scans in sorted(stale.items(), key=itemgetter(0)):
        if name == _NEW:
            found.chunks += _new_chunks(archive, month, hosts, scans, chunk_scans)
        else:
            found.chunks.append(_chunk(archive, month, hosts, scans, by_name[name]))
    return found


def _new_chunks(
    archive: Archive,
    month: str,
    hosts: Mapping[str, ArchivedHost],
    scans: Sequence[ScanToParse],
    size: int,
) -> Iterator[Chunk]:
    for at in range(0, len(scans), size):
        yield _chunk(archive, month, hosts, scans[at : at + size])


def run(
    client: Client, chunks: Sequence[Chunk], on_progress: Callable[[ChunkDone], None]
) -> Outcome:
    """Parse the chunks on a cluster. Raises FleetError where it is lost."""
    outcome = Outcome()
    futures = {
        client.submit(
            parse_chunk, codec.encode(chunk), key=f"{chunk.month}-{chunk.part}", retries=_TRIES
        ): chunk
        for chunk in chunks
    }
    for future in as_completed(futures):
        if future.status != "finished":
            chunk = futures[future]
            raise FleetError(
                f"chunk {chunk.part} of {chunk.month} was not parsed: {_reason(future)}; "
                "run it again, what is done is not done again"
            )
        done = codec.decode(future.result(), ChunkDone)
        outcome.parsed += done.scans
        outcome.unreadable |= done.unreadable
        on_progress(done)
    return outcome


def _reason(future: "Future[bytes]") -> str:
    """How a task ended that was not finished."""
    if future.status != "error":
        return f"the cluster was lost ({future.status})"
    error = future.exception()
    return f"{type(error).__name__}: {error}"


@contextmanager
def cluster(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of a running scheduler, or of workers on this machine. Raises FleetError."""
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise FleetError(f"{scheduler}: no scheduler answers there: {error}") from error
        with client:
            yield client
        return
    with _workers_here(workers) as local, Client(local) as client:
        yield client


def _workers_here(workers: int) -> LocalCluster:
    """Ctrl-C reaches every process of a terminal. The workers inherit that they ignore it: this
    process ends them, and prints one line instead of a traceback for each."""
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        )
    finally:
        signal.signal(signal.SIGINT, on_interrupt)


def _hosts(archive: Archive, choice: Choice) -> Iterator[_HostScans]:
    """Every host of the archive, by name."""
    for index in archive.indexes():
        host = _with_overrides(index.host, choice)
        yield _HostScans(host, _depends_on(host), index.scans)


def _chosen(
    archive: Archive, choice: Choice, host: _HostScans, found: Plan
) -> Iterator[ArchivedScan]:
    for scan in host.scans:
        if not _is_chosen(archive, host.host.key, scan, choice):
            continue
        if not scan.raw_files:
            found.without_raw += 1
            continue
        yield scan


def _with_overrides(host: ArchivedHost, choice: Choice) -> ArchivedHost:
    changes: dict[str, Any] = {}
    if choice.waivers is not None:
        changes["waivers"] = choice.waivers
    if choice.compliance is not None:
        changes["compliance"] = choice.compliance
    return codec.replace(host, **changes)


def _is_chosen(archive: Archive, host: str, scan: ArchivedScan, choice: Choice) -> bool:
    if choice.since is not None and requested_at(scan.scan_id) < choice.since:
        return False
    if choice.profile is None:
        return True
    profile = _profile(archive, host, scan)
    return profile is not None and choice.profile.casefold() in profile.casefold()


def _profile(archive: Archive, host: str, scan: ArchivedScan) -> str | None:
    """By the header of the host's own report; None where the archive has none."""
    file = scan.file(REPORT)
    if file is None:
        return None
    with archive.open_file(host, scan.scan_id, file) as stream:
        sealed = stream.read(_HEADER_BYTES)
    line, _, rest = sealed.partition(b"\n")
    try:
        header = frame.header_of(frame.parse_first_line(REPORT, line), rest)
        return codec.decode(header, ReportHeader).profile
    except (EntryError, codec.SchemaError):
        return None


def _depends_on(host: ArchivedHost) -> bytes:
    parts = (
        AGENT_VERSION.encode(),
        host.hostname.encode(),
        codec.encode(host.compliance),
        codec.encode(sorted(host.waivers, key=codec.encode)),
    )
    return b"".join(part + b"\0" for part in parts)


def _chunk(
    archive: Archive,
    month: str,
    hosts: Mapping[str, ArchivedHost],
    scans: Sequence[ScanToParse],
    replaces: KnownPart | None = None,
) -> Chunk:
    """A chunk of new scans, or one that replaces a part: the rows of its other scans are kept."""
    kept: set[tuple[str, str]] = set()
    if replaces is not None:
        kept = replaces.scans.keys() - {(each.host, each.scan.scan_id) for each in scans}
    names = [f"{each.host} {each.scan.scan_id} {each.parsed_with}" for each in scans]
    names += [f"{host} {scan_id} is kept" for host, scan_id in sorted(kept)]
    return Chunk(
        agent_version=AGENT_VERSION,
        archive=archive.url,
        month=month,
        part=sha256("\n".join(names).encode()).hexdigest()[:16],
        replaces=replaces.name if replaces else None,
        kept=tuple(sorted(kept)),
        hosts={each.host: hosts[each.host] for each in scans},
        scans=tuple(scans),
    )
