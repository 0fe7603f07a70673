"""What the stage knows of its deliveries: its receipts, and the state that it keeps beside them.

Promises: what the server accepted is never sent again in the life of this process, also when its
receipt can't be written; such a receipt is kept, and written before anything else is done. The
newest accepted scan of each place is remembered also when an operator takes receipts away to send
scans again. What one server accepted means nothing to another: a changed `server.url` forgets it.
"""

from collections.abc import Mapping, Sequence

from schemas.destination import SHIP_STATE, ShipState, StoredScan
from schemas.event import Event, short
from schemas.ids import ScanId
from schemas.receipt import Receipt
from spool.errors import EntryError
from stages.runtime.process import Process
from stages.ship import filing


class DeliveryState:
    """What was sent, and with which outcome."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._box = process.spool.receipts
        self._saved = process.state_store.read(SHIP_STATE, ShipState) or ShipState()
        self.url = self._saved.url
        self._accepted = dict(self._saved.accepted)
        self._stored = dict(self._saved.stored)
        self._applied = self._saved.applied
        self._replayed = dict(self._saved.replayed)
        self._unconcluded = self._of_this_spool(self._saved.attempted)
        self.forced = set(self._saved.forced)
        """Scans that are sent even where the server has a newer one."""
        self._learned_from: str | None = None
        self._kept: list[Receipt] = []

    @property
    def accepted(self) -> Mapping[str, str]:
        """By place at the server, the newest scan that it accepted."""
        return self._accepted

    @property
    def kept(self) -> set[ScanId]:
        """Concluded scans whose receipts are not written yet."""
        return {receipt.scan_id for receipt in self._kept}

    @property
    def replayed(self) -> Mapping[str, tuple[str, ...]]:
        """By the ids of replay commands, the scans for which they were applied."""
        return self._replayed

    @property
    def unconcluded(self) -> Mapping[str, ScanId]:
        """By place, the report that was sent before an older one and whose outcome is not known."""
        return self._unconcluded

    def start_overtaking(self, place: str, scan_id: ScanId) -> None:
        """A report is sent before an older one of its place, and this is on disk before that.

        Without it, a crash while the report is under way would let the older one go after it.
        Raises SpoolError.
        """
        if self._unconcluded.get(place) != scan_id:
            self._unconcluded[place] = scan_id
            self.save()

    def end_overtaking(self, place: str, scan_id: ScanId) -> None:
        """The server does not have the report, or it has its receipt."""
        if self._unconcluded.get(place) == scan_id:
            del self._unconcluded[place]

    def use_server(self, configured: str | None) -> bool:
        """`configured` is the server from now on; what another one accepted is forgotten. Whether
        it is another one than before.
        """
        if configured is None:
            return False
        url = configured.rstrip("/")
        is_another = url != self.url
        if is_another:
            self.url = url
            self._accepted.clear()
            self._stored.clear()
            self._unconcluded.clear()
        if url != self._learned_from:
            self._learn()
            self._learned_from = url
        return is_another

    def conclude(self, receipt: Receipt) -> None:
        """The end of a delivery: its receipt is kept until `settle`, and counts from now on."""
        self._remember(receipt, is_last=True)
        self._kept.append(receipt)

    def settle(self) -> None:
        """Write the receipts that are kept. Raises SpoolError."""
        while self._kept:
            receipt = self._kept[0]
            # A write that fails leaves the receipt the first of those that are kept.
            self._box.write(receipt)
            self._kept.pop(0)
            self.forced.discard(receipt.scan_id)
            self._announce(receipt)

    def save(self) -> None:
        """Write the state if it has changed; receipts make up for what a crash loses of it."""
        state = ShipState(
            url=self.url,
            accepted=dict(self._accepted),
            stored=dict(self._stored),
            applied=self._applied,
            replayed=dict(self._replayed),
            attempted=dict(self._unconcluded),
            forced=tuple(sorted(self.forced)),
        )
        if state != self._saved:
            self._process.state_store.write(SHIP_STATE, state)
            self._saved = state

    def apply(self, retries: Sequence[str]) -> bool:
        """Whether one of these commands is new; it is remembered before it is applied, so it is
        applied once.
        """
        new = not set(retries) <= set(self._applied)
        if new:
            self._applied = tuple(retries)
            self.save()
        return new

    def note_replayed(self, replayed: Mapping[str, tuple[str, ...]]) -> None:
        """Remember what was applied, and forget commands that are gone."""
        self._replayed = dict(replayed)
        self.save()

    def _of_this_spool(self, attempted: Mapping[str, ScanId]) -> dict[str, ScanId]:
        """Those whose report still waits: what is concluded, or gone, holds nothing up."""
        waiting = set(self._process.spool.pending("ship"))
        return {place: scan_id for place, scan_id in attempted.items() if scan_id in waiting}

    def _learn(self) -> None:
        """Take from the receipts what the state has lost in a crash, or does not know of the server
        in force.
        """
        for scan_id in self._box.ids():
            try:
                receipt = self._box.read(scan_id)
            except EntryError:
                continue
            self._remember(receipt, is_last=False)
            self._process.alive()

    def _remember(self, receipt: Receipt, *, is_last: bool) -> None:
        server = (receipt.destination or "").rstrip("/")
        if receipt.answer != "accepted" or receipt.profile is None or server != self.url:
            return
        place = filing.place(receipt.scan_id, receipt.profile)
        newest = self._accepted.get(place, receipt.scan_id)
        self._accepted[place] = max(receipt.scan_id, newest)
        stored = self._stored.get(place)
        # A clock that was set back makes no receipt older.
        if not is_last and stored is not None:
            is_last = receipt.scan_id > stored.scan_id and receipt.at >= stored.accepted_at
        if stored is None or is_last:
            self._stored[place] = StoredScan(scan_id=receipt.scan_id, accepted_at=receipt.at)

    def _announce(self, receipt: Receipt) -> None:
        self._process.log.outcome(
            f"report {receipt.answer}",
            is_bad=receipt.answer == "refused",
            scan_id=receipt.scan_id,
            reason=receipt.message,
            bytes=receipt.sent_bytes,
            attempts=receipt.attempts or None,
        )
        for remark in (*receipt.remarks, *receipt.left_out):
            self._process.log.warning("delivery warning", scan_id=receipt.scan_id, remark=remark)
        self._process.publish(
            Event(
                name="ReportShipped",
                scan_id=receipt.scan_id,
                result=receipt.answer,
                message=short(receipt.message),
            )
        )
