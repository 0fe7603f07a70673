"""The ledger: receipts, and what is remembered beside them.

Promises: what the server took is never sent again in this process's life, also when its receipt can't be written; such
a receipt is kept, and written before anything else is done. The newest accepted scan of each profile is remembered
also when an operator takes receipts away to send scans again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.destination import Accepted, Memory
from schemas.event import Event
from schemas.ids import ScanId
from schemas.receipt import Receipt
from spool.errors import EntryDamagedError, EntryMissingError
from stages.process.process import Process
from stages.ship.order import profile_key

NOTE = "memory"


class Ledger:
    """All that is known of what was sent."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._box = process.spool.receipts
        self._memory = process.notes.read(NOTE, Memory) or Memory()
        self._accepted = dict(self._memory.accepted)
        self._kept: list[Receipt] = []

    @property
    def accepted(self) -> dict[str, Accepted]:
        """The newest accepted scan of each profile."""
        return self._accepted

    @property
    def kept(self) -> set[ScanId]:
        """Concluded scans whose receipts the disk has not taken yet."""
        return {receipt.scan_id for receipt in self._kept}

    def conclude(self, receipt: Receipt) -> None:
        """The end of a scan's way. Raises SpoolError where the receipt can't be written; then it is kept."""
        if receipt.answer == "accepted" and receipt.profile:
            self._remember(profile_key(receipt.profile, receipt.scan_id), receipt)
        self._kept.append(receipt)
        self.settle()

    def settle(self) -> None:
        """Write the receipts that are kept. Raises SpoolError."""
        while self._kept:
            receipt = self._kept[0]
            self._box.write(receipt.scan_id, "receipt", receipt)
            self._kept.pop(0)
            self._process.notes.end(receipt.scan_id)
            self._tell(receipt)

    def save(self) -> None:
        """Write the memory where it has changed; receipts that are there make up for what a crash loses of it."""
        if self._accepted != self._memory.accepted:
            self._write(Memory(accepted=dict(self._accepted), obeyed=self._memory.obeyed))

    def obey(self, retries: Sequence[str]) -> bool:
        """Whether one of these commands is new; it is remembered before it is obeyed, so it is obeyed once."""
        new = bool(set(retries) - set(self._memory.obeyed))
        if new:
            self._write(Memory(accepted=dict(self._accepted), obeyed=tuple(retries)))
        return new

    def read_receipts(self, since: timedelta, now: datetime) -> list[datetime]:
        """Learn from the receipts what the notes may have lost; when requests were answered in the last `since`."""
        recent: list[datetime] = []
        for scan_id in self._box.ids("receipt"):
            try:
                receipt = self._box.read(scan_id, "receipt", Receipt)
            except (EntryDamagedError, EntryMissingError):
                continue
            if receipt.answer == "accepted" and receipt.profile:
                self._remember(profile_key(receipt.profile, receipt.scan_id), receipt)
            if receipt.attempts and timedelta() <= now - receipt.at < since:
                recent.append(receipt.at)
            self._process.alive()
        return sorted(recent)

    def _remember(self, profile: str, receipt: Receipt) -> None:
        before = self._accepted.get(profile)
        if before is None or receipt.scan_id >= before.scan_id:
            good = receipt.scan_status == "completed"
            self._accepted[profile] = Accepted(scan_id=receipt.scan_id, good=good)

    def _write(self, memory: Memory) -> None:
        self._process.notes.write(NOTE, memory)
        self._memory = memory

    def _tell(self, receipt: Receipt) -> None:
        tell = self._process.log.error if receipt.answer == "refused" else self._process.log.info
        tell(
            f"report {receipt.answer}",
            scan_id=receipt.scan_id,
            why=receipt.words,
            bytes=receipt.sent_bytes,
            attempts=receipt.attempts or None,
        )
        for remark in (*receipt.remarks, *receipt.left_out):
            self._process.log.warning("delivery remark", scan_id=receipt.scan_id, remark=remark)
        words = (receipt.words or "")[:512] or None
        self._process.ring(
            Event(name="ReportShipped", scan_id=receipt.scan_id, result=receipt.answer, words=words)
        )
