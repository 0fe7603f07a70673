"""What the scan stage has to do: requests without an answer, and which of them were cancelled."""

from collections.abc import Iterator

from schemas.ids import ScanId, is_scan_id, scanner_of
from schemas.request import Cancellation, Reason, Request
from spool.errors import EntryDamagedError, EntryMissingError
from spool.layout import split_archived_name
from spool.spool import Spool


class Queue:
    """The requests, seen from the scan stage."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._cancellations: dict[str, Cancellation | None] = {}

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
        answered |= {
            parts[0] for kept in spool.raw.quarantined() if (parts := split_archived_name(kept))
        }
        wanted = spool.requests.ids("request")
        return [ScanId(i) for i in wanted if is_scan_id(i) and i not in answered]

    def read(self, scan_id: ScanId) -> Request:
        """The request. Raises EntryDamagedError, EntryMissingError; it must be the one that its name says."""
        request = self._spool.requests.read(scan_id, "request", Request)
        if (request.scan_id, request.scanner) != (scan_id, scanner_of(scan_id)):
            message = f"is the request of {request.scan_id[:80]!r} for {request.scanner}"
            raise EntryDamagedError(f"{self._spool.requests.path / scan_id}.request: {message}")
        return request

    def cancelled(self, scan_id: ScanId) -> Reason | None:
        """Who wants this scan ended; None where nobody does."""
        return next((c.reason for c in self._read_cancellations() if scan_id in c.scan_ids), None)

    def _read_cancellations(self) -> Iterator[Cancellation]:
        ids = self._spool.requests.ids("cancel")
        self._cancellations = {
            i: self._cancellations[i] if i in self._cancellations else self._read(i) for i in ids
        }
        return (cancellation for cancellation in self._cancellations.values() if cancellation)

    def _read(self, command_id: str) -> Cancellation | None:
        try:
            return self._spool.requests.read(command_id, "cancel", Cancellation)
        except (EntryMissingError, EntryDamagedError):
            # A cancellation that can't be read ends nothing: the scan is worth more than a wish in pieces.
            return None
