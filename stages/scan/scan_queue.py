"""What the scan stage has to do: requests without an answer, and which of them were cancelled.

Choosing the next scan reads each directory once, and each cancellation once in the life of the
process.
"""

from collections.abc import Callable
from contextlib import suppress

from schemas.ids import ScanId
from schemas.request import Cancellation, Reason, Request
from spool.errors import EntryError, EntryUnreadableError, NewerFormatError
from spool.spool import Spool
from stages.runtime.fair_order import FairOrder


class ScanQueue:
    """The requests, seen from the scan stage."""

    def __init__(self, spool: Spool, waits: Callable[[str], bool] = lambda _: False) -> None:
        """`waits`: whether the entry of this name is set aside for now."""
        self._spool = spool
        self._waits = waits
        self._order = FairOrder()
        self._newer: set[ScanId] = set()
        self._read_cancellations: dict[str, Cancellation | None] = {}
        self._cancelled: dict[ScanId, Reason] = {}

    def next(self) -> ScanId | None:
        """The scan to handle now: the oldest cancelled one, else the one whose turn it is;
        None where nothing waits.

        What is cancelled needs no scanner and no free space, so it waits for nothing.
        """
        waiting = self.waiting()
        cancelled = self.cancellations()
        for scan_id in waiting:
            if scan_id in cancelled:
                return scan_id
        return self._order.next(waiting, self._spool.commands.requests.ids())

    def waiting(self) -> list[ScanId]:
        """Ids to be scanned, oldest first."""
        return [i for i in self._spool.pending("scan") if not self._is_set_aside(i)]

    def _is_set_aside(self, scan_id: ScanId) -> bool:
        return scan_id in self._newer or self._waits(self._spool.requests.name(scan_id))

    def read(self, scan_id: ScanId) -> Request:
        """The request. Raises EntryDamagedError, EntryMissingError, EntryUnreadableError,
        NewerFormatError.

        One of a later format stays pending for a later version: it waits for this process no
        longer.
        """
        try:
            return self._spool.requests.read(scan_id)
        except NewerFormatError:
            self._newer.add(scan_id)
            raise

    def cancelled(self, scan_id: ScanId) -> Reason | None:
        """Why this scan is cancelled; None if it is not."""
        return self.cancellations().get(scan_id)

    def cancellations(self) -> dict[ScanId, Reason]:
        """All cancelled scans, each with the reason of its first cancellation."""
        known = self._read_cancellations
        ids = self._spool.requests.cancellations.ids()
        if ids == [*known]:
            return self._cancelled
        self._read_cancellations = {}
        for command_id in ids:
            with suppress(EntryUnreadableError):
                cancellation = known[command_id] if command_id in known else self._read(command_id)
                self._read_cancellations[command_id] = cancellation
        self._cancelled = {}
        for cancellation in self._read_cancellations.values():
            if cancellation:
                for scan_id in cancellation.scan_ids:
                    self._cancelled.setdefault(scan_id, cancellation.reason)
        return self._cancelled

    def _read(self, command_id: str) -> Cancellation | None:
        try:
            return self._spool.requests.cancellations.read(command_id)
        except EntryUnreadableError:
            # It may be read at the next look.
            raise
        except EntryError:
            # A cancellation that can't be read ends nothing: a scan is worth more than a damaged
            # cancellation.
            return None
