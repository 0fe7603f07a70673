"""The ledger: receipts, and what is remembered beside them.

Promises: what the server took is never sent again in this process's life, also when its receipt can't be written; such
a receipt is kept, and written before anything else is done. The newest accepted scan of each profile is remembered
also when an operator takes receipts away to send scans again. What one server took says nothing of another. An address
at which no server ever answered was a wrong one: nothing is bound to it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from schemas.destination import Accepted, ShipState
from schemas.event import Event
from schemas.ids import ScanId
from schemas.receipt import Receipt
from spool.errors import EntryDamagedError, EntryMissingError
from stages.runtime.process import Process
from stages.ship.order import profile_key

NOTE = "ship-state"


class DeliveryState:
    """All that is known of what was sent."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._box = process.spool.receipts
        self._saved = process.state_store.read(NOTE, ShipState) or ShipState()
        self._url = self._saved.url
        self._answered = self._saved.answered
        self._accepted = dict(self._saved.accepted)
        self._made_for = dict(self._saved.made_for)
        self._applied = self._saved.applied
        self._replayed = dict(self._saved.replayed)
        self.forced = set(self._saved.forced)
        """Scans that are sent even where the server has a newer one."""
        self._learned_of: tuple[str | None] | None = None
        self._kept: list[Receipt] = []

    @property
    def accepted(self) -> Mapping[str, Accepted]:
        """The newest scan of each profile that the server took."""
        return self._accepted

    @property
    def kept(self) -> set[ScanId]:
        """Concluded scans whose receipts the disk has not taken yet."""
        return {receipt.scan_id for receipt in self._kept}

    @property
    def of_another_server(self) -> set[str]:
        """Scans that were made for another server than the one in force; they wait for the operator's word."""
        return {scan_id for scan_id, url in self._made_for.items() if url != self._url}

    @property
    def replayed(self) -> Mapping[str, tuple[str, ...]]:
        """By the ids of replay commands, the scans for which they were obeyed."""
        return self._replayed

    def serve(self, url: str | None, pending: Callable[[], Sequence[ScanId]]) -> None:
        """`url` is the server from now on. What is pending was made for the one before, and is not given to another."""
        if url is None or url.rstrip("/") == self._url:
            return
        before, self._url = self._url, url.rstrip("/")
        if before is not None:
            self._accepted.clear()
            if self._answered is not False:
                self._made_for = {
                    scan_id: self._made_for.get(scan_id, before) for scan_id in pending()
                }
        self._answered = None
        self.save()

    def tried(self, *, answered: bool) -> None:
        """The server in force was tried."""
        self._answered = self._answered or answered

    def conclude(self, receipt: Receipt) -> None:
        """The end of a scan's way. Raises SpoolError where the receipt can't be written; then it is kept."""
        self._remember(receipt)
        self._kept.append(receipt)
        self.settle()

    def settle(self) -> None:
        """Write the receipts that are kept. Raises SpoolError."""
        while self._kept:
            receipt = self._kept[0]
            self._box.write(receipt.scan_id, "receipt", receipt)
            self._kept.pop(0)
            self._made_for.pop(receipt.scan_id, None)
            self.forced.discard(receipt.scan_id)
            self._process.state_store.end(receipt.scan_id)
            self._tell(receipt)

    def save(self) -> None:
        """Write the memory where it has changed; receipts that are there make up for what a crash loses of it."""
        memory = ShipState(
            url=self._url,
            answered=self._answered,
            accepted=dict(self._accepted),
            made_for=dict(self._made_for),
            applied=self._applied,
            replayed=dict(self._replayed),
            forced=tuple(sorted(self.forced)),
        )
        if memory != self._saved:
            self._process.state_store.write(NOTE, memory)
            self._saved = memory

    def apply(self, retries: Sequence[str]) -> bool:
        """Whether one of these commands is new; it is remembered before it is obeyed, so it is obeyed once."""
        new = bool(set(retries) - set(self._applied))
        if new:
            self._applied = tuple(retries)
            # The operator knows what server.url says now.
            self._made_for.clear()
            self.save()
        return new

    def note_replayed(self, replayed: Mapping[str, tuple[str, ...]]) -> None:
        """Remember what was obeyed, and forget commands that are gone."""
        self._replayed = dict(replayed)
        self.save()

    def learn(self) -> list[datetime]:
        """Take from the receipts what the notes may have lost, or never knew of the server in force.

        When scans were accepted; nothing where there is nothing to learn.
        """
        if self._learned_of == (self._url,):
            return []
        self._learned_of = (self._url,)
        accepted: list[datetime] = []
        for scan_id in self._box.ids("receipt"):
            try:
                receipt = self._box.read(scan_id, "receipt", Receipt)
            except (EntryDamagedError, EntryMissingError):
                continue
            self._remember(receipt)
            if receipt.answer == "accepted":
                accepted.append(receipt.at)
            self._process.alive()
        return accepted

    def _remember(self, receipt: Receipt) -> None:
        server = (receipt.destination or "").rstrip("/")
        if receipt.answer != "accepted" or not receipt.profile or server != self._url:
            return
        profile = profile_key(receipt.profile, receipt.scan_id)
        before = self._accepted.get(profile)
        if before is None or receipt.scan_id >= before.scan_id:
            good = receipt.scan_status == "completed"
            self._accepted[profile] = Accepted(scan_id=receipt.scan_id, good=good)

    def _tell(self, receipt: Receipt) -> None:
        tell = self._process.log.error if receipt.answer == "refused" else self._process.log.info
        tell(
            f"report {receipt.answer}",
            scan_id=receipt.scan_id,
            why=receipt.message,
            bytes=receipt.sent_bytes,
            attempts=receipt.attempts or None,
        )
        for remark in (*receipt.remarks, *receipt.left_out):
            self._process.log.warning("delivery remark", scan_id=receipt.scan_id, remark=remark)
        message = (receipt.message or "")[:512] or None
        self._process.publish(
            Event(
                name="ReportShipped",
                scan_id=receipt.scan_id,
                result=receipt.answer,
                message=message,
            )
        )
