"""The queue: what waits in the spool, and what the operator has said about it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schemas.destination import Accepted
from schemas.ids import ScanId, is_scan_id
from schemas.report import Report
from spool.errors import EntryDamagedError, EntryMissingError
from spool.layout import attic_name, entry_name
from stages.process import upkeep
from stages.process.process import Process
from stages.ship import heads, order
from stages.ship.ledger import Ledger
from stages.ship.order import Waiting

_BEGUN = ".begun"


class Queue:
    """Reports without a receipt, oldest first."""

    def __init__(self, process: Process, ledger: Ledger) -> None:
        self._process = process
        self._spool = process.spool
        self._ledger = ledger
        self._known: dict[ScanId, Waiting] = {}
        self._forced: set[ScanId] = set()
        self._damaged: set[ScanId] = set()
        self.begun: set[str] = {p.name.removesuffix(_BEGUN) for p in process.notes.path.glob(f"*{_BEGUN}")}

    def forget_marks(self) -> None:
        """Once: remove the marks of scans whose receipt was written just before a crash."""
        for scan_id in self.begun & set(self._spool.receipts.ids("receipt")):
            self._process.notes.end(scan_id)

    def begin_look(self) -> None:
        """Carry out the operator's replays, and look at damaged reports anew."""
        self._damaged.clear()
        self._forced.clear()
        commands = [*upkeep.replays(self._spool, "parse"), *upkeep.replays(self._spool, "ship")]
        for command_id, replay in sorted(commands, key=lambda command: command[1].at):
            change = self._forced.update if replay.force else self._forced.difference_update
            change(replay.scan_ids)
            ids = (
                replay.scan_ids if replay.step == "ship" else self._parsed_again(command_id, replay.scan_ids)
            )
            self._retire(command_id, ids)

    def waiting(self) -> list[Waiting]:
        """All reports without a receipt, oldest first; those that can't be read are left out."""
        done = {*self._spool.receipts.ids("receipt"), *self._ledger.kept}
        self.begun.difference_update(done)
        pending = [ScanId(i) for i in self._spool.reports.ids("report") if is_scan_id(i) and i not in done]
        self._known = {i: known for i in pending if (known := self._known.get(i) or self._find(i))}
        if not self._forced:
            return list(self._known.values())
        return [replace(scan, forced=scan.scan_id in self._forced) for scan in self._known.values()]

    def candidates(self, scans: Sequence[Waiting]) -> list[Waiting]:
        """Those that may be sent now, in order."""
        backlog = self._process.settings.delivery.backlog
        return order.candidates(scans, {*self._held(), *self._damaged}, self.begun, backlog)

    def superseded(self, scans: Sequence[Waiting]) -> Iterator[tuple[Report, order.Superseded]]:
        """Those that need not be sent, each with its report and the reason."""
        held = self._held()
        for scan in scans:
            if scan.scan_id not in held and self._why(scan) and (report := self.read(scan.scan_id)):
                self._process.alive()
                whole = replace(order.waiting(report, scan.scan_id), forced=scan.forced)
                if reason := self._why(whole):
                    yield report, reason

    def read(self, scan_id: ScanId) -> Report | None:
        """The report; None where it is damaged, which its owner is told, or gone."""
        name = entry_name(scan_id, "report")
        try:
            report = self._spool.reports.read(scan_id, "report", Report)
            if report.scan_id != scan_id:
                raise EntryDamagedError(
                    f"{self._spool.reports.path / name}: is the report of {report.scan_id}"
                )
        except EntryMissingError:
            return None
        except EntryDamagedError as error:
            self._mark(scan_id, name, str(error))
            return None
        return report

    def _held(self) -> set[str]:
        return set(self._spool.commands.ids("hold"))

    def _why(self, scan: Waiting) -> order.Superseded | None:
        accepted: Accepted | None = self._ledger.accepted.get(scan.profile)
        return order.superseded(scan, accepted, self._process.settings.delivery)

    def _find(self, scan_id: ScanId) -> Waiting | None:
        if scan_id in self._damaged:
            return None
        self._process.alive()
        try:
            head = self._spool.reports.head(scan_id, "report", heads.BYTES)
        except (EntryMissingError, EntryDamagedError):
            head = b""
        if found := heads.read_head(scan_id, head):
            return found
        report = self.read(scan_id)
        return order.waiting(report, scan_id) if report else None

    def _mark(self, scan_id: ScanId, name: str, reason: str) -> None:
        self._damaged.add(scan_id)
        self._known.pop(scan_id, None)
        if self._process.notes.damaged().get(name) != reason:
            self._process.notes.mark_damaged(name, reason)
            self._process.log.error(
                "damaged report passed over; it is made again from the raw entry", scan_id=scan_id, why=reason
            )

    def _parsed_again(self, command_id: str, scan_ids: Sequence[ScanId]) -> list[ScanId]:
        """Those whose old report the parse stage has taken away; until then it would be sent once more."""
        retired = set(self._spool.reports.retired())
        return [i for i in scan_ids if attic_name(entry_name(i, "report"), command_id) in retired]

    def _retire(self, command_id: str, scan_ids: Sequence[ScanId]) -> None:
        self._ledger.save()
        for scan_id in upkeep.retire_replayed(self._spool.receipts, "receipt", command_id, scan_ids):
            self._process.log.info("receipt taken to history, the report is sent again", scan_id=scan_id)
