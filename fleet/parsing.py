"""`fleet parse`: raw entries to reports and tables, on a Dask cluster.

Promises: nothing is parsed twice. A scan is parsed only if the tables do not have it as this parser
would make it, with the settings and waivers of its host. Work is split into chunks of one month; a
finished chunk stays, whatever is killed afterwards. A bad entry is a row with its reason.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from datetime import datetime
from hashlib import sha256
from typing import Any

from distributed import Client, Future, as_completed
from distributed.comm.core import CommClosedError

from fleet.archive import Archive, month_of
from fleet.parse_chunk import Chunk, ChunkDone, ScanToParse, parse_chunk
from fleet.parts import KnownPart, known_parts, remove_leftovers
from schemas import codec
from schemas.archive import RECEIPT, REPORT, ArchivedHost, ArchivedScan
from schemas.ids import ScanId, requested_at
from schemas.records import Struct, field
from schemas.report import ReportHeader
from schemas.waiver import Waiver
from spool import frame
from spool.errors import EntryError
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION

CHUNK_SCANS = 50
CHUNK_BYTES = 14 * 1024 * 1024
"""As its raw files are stored: some seconds of work, 20 scans of 400 rules. Smaller scans share a
chunk with more of them, because each chunk costs some ms beside its scans."""
_TRIES = 3
_HEADER_BYTES = 64 * 1024


class ParseChoice(Struct, frozen=True):
    """Which scans are parsed, and the settings and waivers that replace those of their hosts."""

    since: datetime | None = None
    profile: str | None = None
    """Only where the archived report is of a profile whose name contains this."""
    waivers: tuple[Waiver, ...] | None = None
    compliance: dict[str, Any] | None = None


class ParsePlan(Struct):
    """The work to do."""

    chunks: list[Chunk] = field(default_factory=list)
    scans: int = 0
    up_to_date: int = 0
    without_raw: int = 0


class ParseOutcome(Struct):
    """The work that was done."""

    parsed: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


class _HostScans(Struct, frozen=True):
    """A host, and its scans in the archive."""

    host: ArchivedHost
    """With the settings and waivers that its scans are parsed with."""
    depends_on: bytes
    """What its reports depend on besides their raw entries."""
    scans: tuple[ArchivedScan, ...]
    repairs: Counter[ScanId]

    def to_parse(self, scan: ArchivedScan) -> ScanToParse:
        # The answer of the receipt is a column of the tables.
        receipt = scan.file(RECEIPT)
        answer = ""
        if receipt is not None:
            answer = receipt.sha256
        repaired = self.repairs[scan.scan_id] or ""
        digest = sha256(self.depends_on + f"{answer}{repaired}".encode()).hexdigest()
        return ScanToParse(host=self.host.key, scan=scan, parsed_with=digest[:16])


def plan(archive: Archive, choice: ParseChoice, chunk_scans: int = CHUNK_SCANS) -> ParsePlan:
    """Compare the archive with its tables. Removes what an interrupted run left.

    Scans that are up to date are not kept in memory.
    """
    work = _Work(remove_leftovers(archive, known_parts(archive)))
    found = ParsePlan()
    for host in _hosts(archive, choice):
        for scan in _chosen(archive, choice, host, found):
            if work.add(host, scan):
                found.scans += 1
            else:
                found.up_to_date += 1
    found.chunks = list(work.chunks(archive, chunk_scans))
    return found


class _Work:
    """The scans to parse: new ones by month, and those of a part of the tables by that part."""

    def __init__(self, parts: Sequence[KnownPart]) -> None:
        self._part_of: dict[tuple[str, str, str], KnownPart] = {}
        """By month, host and scan id."""
        for part in parts:
            for host, scan_id in part.scans:
                self._part_of[part.month, host, scan_id] = part
        self._hosts: dict[str, ArchivedHost] = {}
        self._new: defaultdict[str, list[ScanToParse]] = defaultdict(list)
        self._stale: defaultdict[tuple[str, str], list[ScanToParse]] = defaultdict(list)
        """By month and name of the part."""
        self._parts = {part.place: part for part in parts}

    def add(self, host: _HostScans, scan: ArchivedScan) -> bool:
        """Take in a scan of the archive; False where the tables have it as it would be made."""
        wanted = host.to_parse(scan)
        month = month_of(scan.scan_id)
        part = self._part_of.get((month, wanted.host, scan.scan_id))
        if part is None:
            self._new[month].append(wanted)
        elif part.scans[wanted.host, scan.scan_id] == wanted.parsed_with:
            return False
        else:
            self._stale[part.place].append(wanted)
        self._hosts[wanted.host] = host.host
        return True

    def chunks(self, archive: Archive, size: int) -> Iterator[Chunk]:
        for month, scans in sorted(self._new.items()):
            for chosen in _in_chunks(scans, size):
                yield _chunk(archive, month, self._hosts, chosen)
        for place, scans in sorted(self._stale.items()):
            part = self._parts[place]
            yield _chunk(archive, part.month, self._hosts, scans, part)


def _in_chunks(scans: Sequence[ScanToParse], size: int) -> Iterator[list[ScanToParse]]:
    """In their order; a scan that is larger than a chunk is one of its own."""
    chosen: list[ScanToParse] = []
    chosen_bytes = 0
    for each in scans:
        scan_bytes = sum(file.bytes for file in each.scan.raw_files)
        if chosen and (len(chosen) == size or chosen_bytes + scan_bytes > CHUNK_BYTES):
            yield chosen
            chosen, chosen_bytes = [], 0
        chosen.append(each)
        chosen_bytes += scan_bytes
    if chosen:
        yield chosen


def run(
    client: Client, chunks: Sequence[Chunk], on_progress: Callable[[ChunkDone], None]
) -> ParseOutcome:
    """Parse the chunks on a cluster. Raises CommandError where it is lost."""
    outcome = ParseOutcome()
    futures = {}
    for chunk in chunks:
        future = client.submit(
            parse_chunk, codec.encode(chunk), key=f"{chunk.month}-{chunk.part}", retries=_TRIES
        )
        futures[future] = chunk
    for future in as_completed(futures):
        if future.status != "finished":
            raise _not_parsed(futures[future], _reason(future))
        try:
            result = future.result()
        except (CommClosedError, CancelledError) as error:
            # The scheduler has reported the end of the task, and went away before its result came.
            raise _not_parsed(futures[future], "the cluster was lost") from error
        done = codec.decode(result, ChunkDone)
        outcome.parsed += done.scans
        outcome.unreadable |= done.unreadable
        on_progress(done)
    return outcome


def _not_parsed(chunk: Chunk, reason: str) -> CommandError:
    return CommandError(
        f"chunk {chunk.part} of {chunk.month} was not parsed: {reason}; run the command again, "
        "finished chunks are kept",
        Exit.NO,
    )


def _reason(future: "Future[bytes]") -> str:
    """Why a task did not finish."""
    if future.status != "error":
        return f"the cluster was lost ({future.status})"
    error = future.exception()
    return f"{type(error).__name__}: {error}"


def _hosts(archive: Archive, choice: ParseChoice) -> Iterator[_HostScans]:
    """Every host of the archive, by name."""
    for index in archive.indexes():
        host = _with_overrides(index.host, choice)
        yield _HostScans(host, _depends_on(host), index.scans, Counter(index.repairs))


def _chosen(
    archive: Archive, choice: ParseChoice, host: _HostScans, found: ParsePlan
) -> Iterator[ArchivedScan]:
    for scan in host.scans:
        if not _is_chosen(archive, host.host.key, scan, choice):
            continue
        if not scan.raw_files:
            found.without_raw += 1
            continue
        yield scan


def _with_overrides(host: ArchivedHost, choice: ParseChoice) -> ArchivedHost:
    changes: dict[str, Any] = {}
    if choice.waivers is not None:
        changes["waivers"] = choice.waivers
    if choice.compliance is not None:
        changes["compliance"] = choice.compliance
    return codec.replace(host, **changes)


def _is_chosen(archive: Archive, host: str, scan: ArchivedScan, choice: ParseChoice) -> bool:
    if choice.since is not None and requested_at(scan.scan_id) < choice.since:
        return False
    if choice.profile is None:
        return True
    profile = _profile(archive, host, scan)
    return profile is not None and choice.profile.casefold() in profile.casefold()


def _profile(archive: Archive, host: str, scan: ArchivedScan) -> str | None:
    """The profile in the header of the host's own report; None where the archive has no report."""
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
    replaced_name = None
    if replaces is not None:
        replaced_name = replaces.name
        kept = replaces.scans.keys() - {(each.host, each.scan.scan_id) for each in scans}
    names = [f"{each.host} {each.scan.scan_id} {each.parsed_with}" for each in scans]
    names += [f"{host} {scan_id} is kept" for host, scan_id in sorted(kept)]
    return Chunk(
        agent_version=AGENT_VERSION,
        archive=archive.url,
        month=month,
        part=sha256("\n".join(names).encode()).hexdigest()[:16],
        replaces=replaced_name,
        kept=tuple(sorted(kept)),
        hosts={each.host: hosts[each.host] for each in scans},
        scans=tuple(scans),
    )
