"""What the scan stage has to do: requests without an answer, and which of them were cancelled.

Choosing the next scan reads each directory once, and each cancellation once in the life of the process.
"""

from schemas.ids import ScanId, is_scan_id, scanner_of
from schemas.request import Cancellation, Reason, Request
from spool.errors import EntryDamagedError, EntryMissingError
from spool.layout import split_archived_name
from spool.spool import Spool


class ScanQueue:
    """The requests, seen from the scan stage."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._read_cancellations: dict[str, Cancellation | None] = {}
        self._cancelled: dict[ScanId, Reason] = {}

    def next(self) -> ScanId | None:
        """The scan to handle now: the oldest cancelled one, else the oldest; None where nothing waits.

        What is cancelled needs no scanner and no free space, so it waits for nothing.
        """
        waiting = self.waiting()
        cancelled = self.cancellations()
        for scan_id in waiting:
            if scan_id in cancelled:
                return scan_id
        return waiting[0] if waiting else None

    def waiting(self) -> list[ScanId]:
        """Ids to be scanned, oldest first: no scan is done twice.

        A raw entry in quarantine is an answer, too; and where raw entries were lost, their reports and receipts are.
        """
        spool = self._spool
        answered = {
            *spool.raw.names(),
            *spool.reports.ids("report"),
            *spool.receipts.ids("receipt"),
        }
        for kept in spool.raw.quarantined():
            parts = split_archived_name(kept)
            if parts:
                answered.add(parts[0])
        requested = spool.requests.ids("request")
        return [ScanId(i) for i in requested if i not in answered and is_scan_id(i)]

    def read(self, scan_id: ScanId) -> Request:
        """The request. Raises EntryDamagedError, EntryMissingError; its content must match its name."""
        request = self._spool.requests.read(scan_id, "request", Request)
        if (request.scan_id, request.scanner) != (scan_id, scanner_of(scan_id)):
            message = f"is the request of {request.scan_id[:80]!r} for {request.scanner}"
            raise EntryDamagedError(f"{self._spool.requests.path / scan_id}.request: {message}")
        return request

    def cancelled(self, scan_id: ScanId) -> Reason | None:
        """Why this scan is to be ended; None where nothing has cancelled it."""
        return self.cancellations().get(scan_id)

    def cancellations(self) -> dict[ScanId, Reason]:
        """All cancelled scans, each with the reason of its first cancellation."""
        known = self._read_cancellations
        ids = self._spool.requests.ids("cancel")
        if ids == [*known]:
            return self._cancelled
        self._read_cancellations = {i: known[i] if i in known else self._read(i) for i in ids}
        self._cancelled = {}
        for cancellation in self._read_cancellations.values():
            if cancellation:
                for scan_id in cancellation.scan_ids:
                    self._cancelled.setdefault(scan_id, cancellation.reason)
        return self._cancelled

    def _read(self, command_id: str) -> Cancellation | None:
        try:
            return self._spool.requests.read(command_id, "cancel", Cancellation)
        except (EntryMissingError, EntryDamagedError):
            # A cancellation that can't be read ends nothing: a scan is worth more than a damaged cancellation.
            return None
