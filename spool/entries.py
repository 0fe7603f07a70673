"""The entries of one kind in a box: bytes on disk, records in the program.

Promises: an entry appears whole and never changes; reading one checks its length and digest, and
whether it belongs to its name. Names of other kinds, and files that are not entries, are left
alone.

Diagnostics: EntryMissingError, EntryDamagedError, NewerFormatError, StorageError, each naming the
path.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from schemas import codec
from schemas.ids import ScanId, is_scan_id, scanner_of
from schemas.report import Report, ReportHeader, report_header
from schemas.request import Request
from spool import durable, frame, layout, reading
from spool.directory import Directory
from spool.errors import EntryDamagedError, EntryError, EntryTooLargeError, NewerFormatError
from spool.layout import Kind

R = TypeVar("R")
# First line and header of a report. Profile names are short; nothing limits a hostile length.
_USUAL_START_BYTES, _LONGEST_START_BYTES = 1024, 1024 * 1024

_MIB = 1024 * 1024
_ALWAYS_READ_BYTES = 64 * 1024
_LONGEST_BYTES: Mapping[Kind, int] = {
    "request": _MIB,
    "remediation": _MIB,
    "receipt": _MIB,
    "cancel": 8 * _MIB,
}
"""Of the entries that many may wait of, and that another user than their reader writes. A
cancellation names every scan that waits."""


class Readable(Protocol):
    """Entries of one kind."""

    kind: Kind

    def read(self, entry_id: str) -> object:
        """Raises EntryError, StorageError."""


def check_entry(name: str, kinds: Sequence[Readable]) -> bool:
    """Read an entry of one of these kinds to its last byte; whether `name` is that of one. Raises
    EntryError, StorageError.
    """
    parsed = layout.parse_name(name)
    for entries in kinds:
        if parsed and parsed[1] == entries.kind:
            entries.read(parsed[0])
            return True
    return False


class OfScan(Protocol):
    """A record that names its scan."""

    @property
    def scan_id(self) -> ScanId | None: ...


S = TypeVar("S", bound=OfScan)


class Entries(Generic[R]):
    """All entries of one kind, which hold records of one type."""

    def __init__(self, directory: Directory, kind: Kind, record: type[R]) -> None:
        self.kind = kind
        self._directory = directory
        self._record = record
        self._names: list[str] = []
        self._ids: list[str] = []
        """The ids in `_names`."""

    def name(self, entry_id: str) -> str:
        """The file name of an entry."""
        return layout.entry_name(entry_id, self.kind)

    def read(self, entry_id: str) -> R:
        """Raises EntryMissingError, EntryDamagedError, NewerFormatError, StorageError."""
        sealed = self.read_sealed(entry_id)
        with self._named(entry_id):
            return self._decode(sealed)

    def read_sealed(self, entry_id: str) -> bytes:
        """The bytes of an entry as they lie on the disk, unchecked."""
        name = self.name(entry_id)
        with self._directory.opened("can't be read") as handle:
            path = self._directory.path
            try:
                return reading.read_plain(
                    handle, name, path, self._longest_bytes, self._why_not_read
                )
            except NewerFormatError as error:
                raise NewerFormatError(f"{path / name}: {error}") from error

    def _why_not_read(self, head: bytes, length: int) -> str | None:
        """A long file whose length is not that of its first line is not read at all."""
        if length <= _ALWAYS_READ_BYTES:
            # What is wrong with it is found, and named better, with the whole entry.
            return None
        line, _, _ = head.partition(b"\n")
        try:
            expected = frame.entry_bytes(line, frame.parse_first_line(self.kind, line))
        except EntryDamagedError as error:
            return str(error)
        if expected == length:
            return None
        return f"{length} bytes instead of the {expected} of its first line"

    @property
    def _longest_bytes(self) -> int:
        return min(frame.MAX_ENTRY_BYTES, _LONGEST_BYTES.get(self.kind, frame.MAX_ENTRY_BYTES))

    def has(self, entry_id: str) -> bool:
        with self._directory.opened("can't be read") as handle:
            return durable.exists(handle, self.name(entry_id))

    def remove(self, entry_id: str) -> None:
        with self._directory.opened("can't be removed from") as handle:
            durable.remove(handle, self.name(entry_id))

    def _decode(self, sealed: bytes) -> R:
        """Raises EntryDamagedError, NewerFormatError, SchemaError."""
        return codec.decode(frame.unseal(self.kind, sealed), self._record)

    def _known_ids(self, is_id: Callable[[str], bool]) -> list[str]:
        """The ids of all entries of this kind, oldest first."""
        names = self._directory.names()
        if names != self._names:
            # Only what is new is parsed: thousands may wait, and each new one is a change.
            new = set(names).difference(self._names)
            gone = set(self._names).difference(names)
            ids = [i for i in self._ids if self.name(i) not in gone]
            end = f".{self.kind}"
            ids += filter(is_id, [name.removesuffix(end) for name in new if name.endswith(end)])
            self._names, self._ids = names, sorted(ids)
        return list(self._ids)

    def _write(self, entry_id: str, record: R) -> None:
        payload = codec.encode(record)
        self._write_pieces(entry_id, frame.opening(self.kind, payload), payload)

    def _write_pieces(self, entry_id: str, *pieces: bytes) -> None:
        """Make an entry. Nothing happens where it is there already: an entry never changes.

        Raises EntryTooLargeError, StorageError.
        """
        length = sum(map(len, pieces))
        if length > self._longest_bytes:
            raise EntryTooLargeError(
                f"the {self.kind} has {length} bytes, and {self._longest_bytes} at most are read"
            )
        self._directory.write(self.name(entry_id), *pieces)

    def _named(self, entry_id: str) -> AbstractContextManager[None]:
        """What is wrong with an entry names its path."""
        return reading.naming(self._path(entry_id))

    def _path(self, entry_id: str) -> Path:
        return self._directory.path / self.name(entry_id)


class CommandEntries(Entries[R]):
    """Entries that are named by a command id."""

    def ids(self) -> list[str]:
        """The ids of all entries of this kind, oldest first."""
        return self._known_ids(layout.is_command_id)

    def readable(self) -> Iterator[tuple[str, R]]:
        """The entries that can be read, oldest first, each with its id."""
        for command_id in self.ids():
            with suppress(EntryError):
                yield command_id, self.read(command_id)

    def write(self, command_id: str, record: R) -> None:
        """Make an entry. Nothing happens where it is there already: an entry never changes."""
        self._write(command_id, record)


class ScanEntries(Entries[S]):
    """Entries that are named by the scan they belong to; there is at most one for each scan."""

    def ids(self) -> list[ScanId]:
        """The scans that have an entry of this kind, oldest first."""
        return list(map(ScanId, self._known_ids(is_scan_id)))

    def read(self, entry_id: str) -> S:
        record = super().read(entry_id)
        with self._named(entry_id):
            if record.scan_id != entry_id:
                raise EntryDamagedError(f"is the {self.kind} of {str(record.scan_id)[:80]!r}")
        return record

    def write(self, record: S) -> None:
        """Make an entry. Nothing happens where it is there already: an entry never changes."""
        self._write(_id_of(record), record)


class Requests(ScanEntries[Request]):
    """Requests for scans; the scanner is that of the scan id."""

    def read(self, entry_id: str) -> Request:
        request = super().read(entry_id)
        with self._named(entry_id):
            if request.scanner != scanner_of(request.scan_id):
                raise EntryDamagedError(f"is the request of a scan by {request.scanner}")
        return request


class Reports(ScanEntries[Report]):
    """Reports. What puts them in order is in their headers, which are read without the rest."""

    def write(self, record: Report) -> None:
        self._write_pieces(_id_of(record), *_pieces(record))

    def write_sealed(self, scan_id: ScanId, sealed: bytes) -> None:
        """Make an entry of the bytes of another spool's, after they were found to be this scan's
        report.
        """
        self.check_sealed(scan_id, sealed)
        self._write_pieces(scan_id, sealed)

    def read_checked(self, scan_id: ScanId) -> bytes:
        """The bytes of an entry as they lie on the disk, after they were found whole."""
        sealed = self.read_sealed(scan_id)
        with self._named(scan_id):
            self.check_sealed(scan_id, sealed)
        return sealed

    def check_sealed(self, scan_id: ScanId, sealed: bytes) -> None:
        """Raises EntryDamagedError, NewerFormatError."""
        try:
            report = self._decode(sealed)
        except codec.SchemaError as error:
            raise EntryDamagedError(str(error)) from error
        if report.scan_id != scan_id:
            raise EntryDamagedError(f"is the report of {str(report.scan_id)[:80]!r}")

    def _decode(self, sealed: bytes) -> Report:
        report = super()._decode(sealed)
        line, _, rest = sealed.partition(b"\n")
        header = frame.header_of(frame.parse_first_line(self.kind, line), rest)
        # Ship decides by the header alone what supersedes what. One that differs from its report
        # could keep another scan from being delivered.
        if not codec.decode(header, ReportHeader).orders_like(report_header(report)):
            raise EntryDamagedError("its header is not that of its report")
        return report

    def header(self, scan_id: ScanId) -> ReportHeader:
        """Raises EntryMissingError, EntryDamagedError, NewerFormatError, StorageError."""
        start = self._read_start(scan_id, _USUAL_START_BYTES)
        with self._named(scan_id):
            line, _, rest = start.partition(b"\n")
            first = frame.parse_first_line(self.kind, line)
        needed = len(line) + 1 + (first.header_length or 0)
        # An entry never changes, so both reads see the same bytes. A header that is longer than the
        # limit stays cut short, and its digest refuses it.
        if len(start) < needed <= _LONGEST_START_BYTES:
            rest = self._read_start(scan_id, needed)[len(line) + 1 :]
        with self._named(scan_id):
            header = codec.decode(frame.header_of(first, rest), ReportHeader)
            if header.answered_by is not None and not is_scan_id(header.answered_by):
                raise EntryDamagedError("its header names no scan that answers it")
        return header

    def _read_start(self, scan_id: ScanId, length: int) -> bytes:
        with self._directory.opened("can't be read") as handle:
            return reading.read_start(handle, self.name(scan_id), self._directory.path, length)


def seal_report(report: Report) -> bytes:
    """The bytes of a report's entry."""
    return b"".join(_pieces(report))


def _pieces(report: Report) -> tuple[bytes, bytes]:
    payload = codec.encode(report)
    return frame.opening("report", payload, codec.encode(report_header(report))), payload


def _id_of(record: OfScan) -> ScanId:
    if record.scan_id is None:
        raise ValueError("an entry of a scan has a scan id")
    return record.scan_id
