"""Outboxes: directories of entries with one writer each.

Promises: damaged entries and foreign files never keep the other entries from being read. An entry
is taken away by a move within the spool, never deleted, except by retention.

Diagnostics: the errors of `spool.errors`, each naming the path.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic

from schemas.command import Imported
from schemas.fixes import Remediation
from schemas.ids import ScanId
from schemas.receipt import Receipt
from schemas.report import Report, ReportHeader
from schemas.request import Cancellation, Request
from spool import durable, layout
from spool.directory import Directory
from spool.entries import (
    CommandEntries,
    Readable,
    Reports,
    Requests,
    S,
    ScanEntries,
    check_entry,
)
from spool.errors import StorageError
from spool.layout import Box

_REASON = ".reason"


class Outbox(ABC):
    """One box of a spool. Only the holder of its stage's lock writes; all others read."""

    def __init__(self, root: Path, box: Box) -> None:
        self.box = box
        self.path = root / box
        self._directory = Directory(self.path)
        self._history = Directory(root / "history" / box)
        self._quarantine = Directory(root / "quarantine" / box)

    @property
    def kinds(self) -> tuple[Readable, ...]:
        """The kinds of entries in this box, except directories."""
        return ()

    def names(self) -> list[str]:
        """All visible names, sorted: entries and foreign files."""
        return self._directory.names()

    @property
    def is_full(self) -> bool:
        """Whether it holds as many entries as are handled."""
        return self._directory.is_full()

    def generation(self) -> int:
        """A number that changes whenever names may have appeared or disappeared."""
        self._directory.names()
        return self._directory.generation

    @abstractmethod
    def scan_ids(self) -> list[ScanId]:
        """The scans that have an entry here, oldest first."""

    @abstractmethod
    def name(self, scan_id: ScanId) -> str:
        """The name of a scan's entry here."""

    def check(self, name: str) -> bool:
        """Read an entry to its last byte; whether `name` is that of an entry. Raises EntryError,
        StorageError.
        """
        return check_entry(name, self.kinds)

    def has(self, name: str) -> bool:
        with self.directory("can't be read") as handle:
            return durable.exists(handle, name)

    def sweep(self) -> list[str]:
        """Remove what a crash left half written; the names are returned. For the writer, at its
        start.
        """
        left = self._directory.sweep()
        self._history.sweep()
        self._quarantine.sweep()
        self._remove_reasons_alone()
        return left

    def remove(self, name: str) -> None:
        with self.directory("can't be removed from") as handle:
            durable.remove(handle, name)

    def archive(self, name: str, why: str) -> None:
        """Move an entry to `history/`, named after the command that requested it."""
        self._take_away(name, layout.archived_name(name, why), self._history)

    def quarantine(self, name: str, why: str, reason: str) -> None:
        """Move a damaged entry to `quarantine/`, with the reason beside it."""
        kept = layout.archived_name(name, why)
        with self._quarantine.opened("can't be written") as handle:
            durable.write(handle, f"{kept}{_REASON}", f"{reason}\n".encode(), replace=True)
        try:
            self._take_away(name, kept, self._quarantine)
        except StorageError:
            with self._quarantine.opened("can't be cleaned") as handle:
                durable.remove(handle, f"{kept}{_REASON}")
            raise

    def archived(self) -> list[str]:
        """Names in this box's history."""
        return self._history.names()

    def remove_archived(self, name: str) -> None:
        """Remove one of `archived`."""
        with self._history.opened("can't be removed from") as handle:
            durable.remove(handle, name)

    def quarantined(self) -> list[str]:
        """Names in this box's quarantine, the reasons not included."""
        return [name for name in self._quarantine.names() if not name.endswith(_REASON)]

    def directory(self, doing: str) -> AbstractContextManager[int]:
        """The box's directory, open. Raises StorageError, which names the box and `doing`."""
        return self._directory.opened(doing)

    def close(self) -> None:
        """Close the open directories; they are opened again when needed."""
        for directory in (self._directory, self._history, self._quarantine):
            directory.close()

    def _remove_reasons_alone(self) -> None:
        """A reason is written before its entry is moved: a kill in between leaves the reason."""
        kept = set(self._quarantine.names())
        with self._quarantine.opened("can't be cleaned") as handle:
            for name in kept:
                if name.endswith(_REASON) and name.removesuffix(_REASON) not in kept:
                    durable.remove(handle, name)

    def _take_away(self, name: str, kept: str, archive: Directory) -> None:
        with (
            self.directory("can't be moved from") as source,
            archive.opened("can't be moved to") as target,
        ):
            if durable.exists(source, name):
                durable.move(source, name, target, kept)


class ScanBox(Outbox, Generic[S]):
    """A box with one entry for each scan."""

    _scans: ScanEntries[S]

    def ids(self) -> list[ScanId]:
        """The scans that have an entry, oldest first."""
        return self._scans.ids()

    def scan_ids(self) -> list[ScanId]:
        return self._scans.ids()

    def name(self, scan_id: ScanId) -> str:
        return self._scans.name(scan_id)

    def read(self, scan_id: str) -> S:
        """Raises EntryMissingError, EntryDamagedError, NewerFormatError, StorageError."""
        return self._scans.read(scan_id)

    def write(self, record: S) -> None:
        """Make an entry. Nothing happens where it is there already: an entry never changes."""
        self._scans.write(record)


class RequestBox(ScanBox[Request]):
    """The scans that are wanted, the cancellations, and what the server wants fixed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "requests")
        self._scans = Requests(self._directory, "request", Request)
        self.cancellations = CommandEntries(self._directory, "cancel", Cancellation)
        self.remediations = CommandEntries(self._directory, "remediation", Remediation)

    @property
    def kinds(self) -> tuple[Readable, ...]:
        return (self._scans, self.cancellations, self.remediations)


class ReportBox(ScanBox[Report]):
    """The reports, and what became of imports."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "reports")
        self._reports = self._scans = Reports(self._directory, "report", Report)
        self.imported = CommandEntries(self._directory, "imported", Imported)

    @property
    def kinds(self) -> tuple[Readable, ...]:
        return (self._reports, self.imported)

    def read_checked(self, scan_id: ScanId) -> bytes:
        """The bytes of a report's entry as they lie on the disk, for a copy. Raises EntryError,
        StorageError.
        """
        return self._reports.read_checked(scan_id)

    def check_sealed(self, scan_id: ScanId, sealed: bytes) -> None:
        """Whether these bytes are an entry of that scan. Raises EntryDamagedError,
        NewerFormatError.
        """
        self._reports.check_sealed(scan_id, sealed)

    def write_sealed(self, scan_id: ScanId, sealed: bytes) -> None:
        """Make an entry of the bytes of another spool's. Raises EntryDamagedError,
        NewerFormatError.
        """
        self._reports.write_sealed(scan_id, sealed)

    def header(self, scan_id: ScanId) -> ReportHeader:
        """What puts a report in order. Raises EntryMissingError, EntryDamagedError,
        NewerFormatError, StorageError.
        """
        return self._reports.header(scan_id)


class ReceiptBox(ScanBox[Receipt]):
    """The receipts."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "receipts")
        self._scans = ScanEntries(self._directory, "receipt", Receipt)

    @property
    def kinds(self) -> tuple[Readable, ...]:
        return (self._scans,)
