"""`fleet parse`: raw entries to reports and tables, on a Dask cluster.

Promises: what is done is not done again: a scan is parsed only if the tables do not have it as this
parser, with the settings and waivers of its host, would make it. Work is cut into chunks of one
month; a chunk that is done stays done whatever is killed afterwards. A bad entry is a row with its
reason.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from distributed import Client, Future, LocalCluster, as_completed

from fleet.archive import Archive, month_of
from fleet.errors import FleetError
from fleet.parse_chunk import Chunk, ChunkDone, ScanToParse, parse_chunk
from fleet.tables import KnownPart, known_parts, remove_leftovers
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


def plan(archive: Archive, choice: Choice, chunk_scans: int = CHUNK_SCANS) -> Plan:
    """Compare the archive with its tables. Removes what an interrupted run left."""
    known = remove_leftovers(archive, known_parts(archive))
    parts = {(part.month, scan): part for part in known for scan in part.scans}
    found = Plan()
    stale: dict[tuple[str, str | None], list[ScanToParse]] = {}
    hosts: dict[str, ArchivedHost] = {}
    for host, scan in _chosen(archive, choice, hosts, found):
        wanted = ScanToParse(host=host, scan=scan, parsed_with=_parsed_with(hosts[host], scan))
        month = month_of(scan.scan_id)
        part = parts.get((month, (host, scan.scan_id)))
        if part is not None and part.scans[host, scan.scan_id] == wanted.parsed_with:
            found.up_to_date += 1
            continue
        stale.setdefault((month, part.name if part else None), []).append(wanted)
        found.scans += 1
    _add_chunks(found, archive, hosts, stale, {part.name: part for part in known}, chunk_scans)
    return found


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
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        ) as local,
        Client(local) as client,
    ):
        yield client


def _chosen(
    archive: Archive, choice: Choice, hosts: dict[str, ArchivedHost], found: Plan
) -> Iterator[tuple[str, ArchivedScan]]:
    for host in archive.hosts():
        index = archive.index(host)
        if index is None:
            continue
        hosts[host] = _with_overrides(index.host, choice)
        for scan in index.scans:
            if not _is_chosen(archive, host, scan, choice):
                continue
            if not scan.raw_files:
                found.without_raw += 1
                continue
            yield host, scan


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


def _parsed_with(host: ArchivedHost, scan: ArchivedScan) -> str:
    """What a report depends on, besides its raw entry; receipts are a column of the tables."""
    receipt = scan.file(RECEIPT)
    parts = (
        AGENT_VERSION,
        host.hostname,
        codec.encode(host.compliance).decode(),
        codec.encode(sorted(host.waivers, key=codec.encode)).decode(),
        receipt.sha256 if receipt else "",
    )
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def _add_chunks(
    found: Plan,
    archive: Archive,
    hosts: dict[str, ArchivedHost],
    stale: dict[tuple[str, str | None], list[ScanToParse]],
    parts: dict[str, KnownPart],
    chunk_scans: int,
) -> None:
    """A part is replaced as a whole: its other scans are parsed again with those that are stale."""
    for (month, part_name), scans in sorted(stale.items(), key=lambda item: str(item[0])):
        if part_name is None:
            for start in range(0, len(scans), chunk_scans):
                found.chunks.append(
                    _chunk(archive, month, hosts, scans[start : start + chunk_scans], ())
                )
            continue
        rest = _rest_of_part(archive, hosts, parts[part_name], scans)
        found.chunks.append(_chunk(archive, month, hosts, [*scans, *rest], (part_name,)))


def _rest_of_part(
    archive: Archive, hosts: dict[str, ArchivedHost], part: KnownPart, stale: list[ScanToParse]
) -> list[ScanToParse]:
    changed = {(each.host, each.scan.scan_id) for each in stale}
    rest = []
    for host, scan_id in part.scans:
        if (host, scan_id) in changed:
            continue
        index = archive.index(host)
        if index is None:
            continue
        for scan in index.scans:
            if scan.scan_id == scan_id:
                hosts.setdefault(host, index.host)
                rest.append(
                    ScanToParse(host=host, scan=scan, parsed_with=_parsed_with(hosts[host], scan))
                )
    return rest


def _chunk(
    archive: Archive,
    month: str,
    hosts: dict[str, ArchivedHost],
    scans: Sequence[ScanToParse],
    replaces: tuple[str, ...],
) -> Chunk:
    names = [f"{each.host} {each.scan.scan_id} {each.parsed_with}" for each in scans]
    part = sha256("\n".join(names).encode()).hexdigest()[:16]
    return Chunk(
        archive=archive.url,
        month=month,
        part=part,
        replaces=replaces,
        hosts={each.host: hosts[each.host] for each in scans},
        scans=tuple(scans),
    )
