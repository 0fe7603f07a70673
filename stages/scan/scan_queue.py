"""What the scan stage has to do: requests without an answer, and which of them were cancelled.

Choosing the next scan reads each directory once, and each cancellation once in the life of the
process.
"""

from collections.abc import Callable

from schemas.ids import ScanId
from schemas.request import Reason
from spool.errors import EntryError, EntryUnreadableError
from spool.spool import Spool
from stages.runtime.fair_order import FairOrder

_MOST_CANCELLATIONS = 1000


class ScanQueue:
    """The requests, seen from the scan stage."""

    def __init__(self, spool: Spool, waits: Callable[[str], bool] = lambda _: False) -> None:
        """`waits`: whether the entry of this name is set aside for now."""
        self._spool = spool
        self._waits = waits
        self._order = FairOrder()
        self._read_cancellations: set[str] = set()
        self._cancelled: dict[ScanId, Reason] = {}

    def next(self) -> ScanId | None:
        """The scan to handle now; None where nothing waits.

        Cancelled scans come first, the oldest before the others: they need no scanner and no free
        space. Then come, in turn, those that have no report or receipt, and at last the rest.
        """
        waiting = self.waiting()
        cancelled = self.cancellations()
        for scan_id in waiting:
            if scan_id in cancelled:
                return scan_id
        answered = self.answered_early()
        unanswered = [scan_id for scan_id in waiting if scan_id not in answered]
        return self._order.next(unanswered or waiting, self._spool.commands.requests.ids())

    def answered_early(self) -> set[ScanId]:
        """Ids that have a report or a receipt, whether they were scanned or not.

        If one of them waits, its raw entry was lost, or another stage has written an answer too
        early. It is scanned all the same. But its new result may never be read, so no other request
        is merged with it.
        """
        return {*self._spool.reports.ids(), *self._spool.receipts.ids()}

    def waiting(self) -> list[ScanId]:
        """Ids to be scanned, oldest first."""
        name = self._spool.requests.name
        return [i for i in self._spool.pending("scan") if not self._waits(name(i))]

    def cancelled(self, scan_id: ScanId) -> Reason | None:
        """Why this scan is cancelled; None if it is not."""
        return self.cancellations().get(scan_id)

    def cancellations(self) -> dict[ScanId, Reason]:
        """All cancelled scans, each with the reason of its first cancellation.

        Of very many cancellations the newest are read, and of each only the scans that are
        requested: what it names besides takes no memory.
        """
        ids = self._spool.requests.cancellations.ids()[-_MOST_CANCELLATIONS:]
        new = [command_id for command_id in ids if command_id not in self._read_cancellations]
        self._read_cancellations.intersection_update(ids)
        if not new:
            return self._cancelled
        # Also those that the trigger stage has not copied yet: it copies cancellations first.
        requested = {*self._spool.requests.ids(), *self._spool.commands.requests.ids()}
        # Of what was read before, only what is still requested stays: else years of cancellations
        # would be kept.
        self._cancelled = {i: why for i, why in self._cancelled.items() if i in requested}
        for command_id in new:
            try:
                cancellation = self._spool.requests.cancellations.read(command_id)
            except EntryUnreadableError:
                # It may be readable in the next pass.
                continue
            except EntryError:
                # It ends nothing: a scan is worth more than a damaged cancellation.
                self._read_cancellations.add(command_id)
                continue
            self._read_cancellations.add(command_id)
            for scan_id in requested.intersection(cancellation.scan_ids):
                self._cancelled.setdefault(scan_id, cancellation.reason)
        return self._cancelled
