"""The queue: what waits in the spool, and what the operator has said about it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from schemas.destination import Accepted
from schemas.ids import ScanId, is_scan_id, requested_at
from schemas.report import Report
from schemas.request import Cancellation, Request
from spool.errors import EntryDamagedError, EntryMissingError, StorageError
from spool.layout import Kind, entry_name, parse_name
from stages.runtime.process import Process
from stages.ship import order, report_index
from stages.ship.order import Waiting
from stages.ship.replays import Replays
from stages.ship.ship_state import DeliveryState

_ATTEMPTS = ".attempts"


class Queue:
    """Reports without a receipt, oldest first."""

    def __init__(self, process: Process, delivery_state: DeliveryState) -> None:
        self._process = process
        self._spool = process.spool
        self._delivery_state = delivery_state
        self._replays = Replays(process, delivery_state)
        self._known: dict[ScanId, Waiting] = {}
        self._damaged: set[ScanId] = set()
        self.attempted: set[str] = {
            p.name.removesuffix(_ATTEMPTS) for p in process.state_store.path.glob(f"*{_ATTEMPTS}")
        }

    def forget_marks(self) -> None:
        """Once: remove the marks of scans whose receipt was written just before a crash."""
        for scan_id in self.attempted & set(self._spool.receipts.ids("receipt")):
            self._process.state_store.end(scan_id)

    def attempted_at(self) -> list[datetime]:
        """When scans were sent last of which the outcome is not known."""
        marks = self._process.state_store.path.glob(f"*{_ATTEMPTS}")
        return [datetime.fromtimestamp(mark.stat().st_mtime, UTC) for mark in marks]

    def start_run(self) -> None:
        """Carry out the operator's replays, and look at damaged reports anew."""
        self._damaged.clear()
        self._replays.carry_out()

    def pending(self) -> list[ScanId]:
        """The ids of all reports without a receipt, oldest first."""
        done = {*self._spool.receipts.ids("receipt"), *self._delivery_state.kept}
        self.attempted.difference_update(done)
        return [
            ScanId(i) for i in self._spool.reports.ids("report") if is_scan_id(i) and i not in done
        ]

    def waiting(self) -> list[Waiting]:
        """What is pending; what can't be read is left out."""
        pending, forced = self.pending(), self._delivery_state.forced
        self._known = {i: known for i in pending if (known := self._known.get(i) or self._find(i))}
        if not forced:
            return list(self._known.values())
        return [replace(scan, forced=scan.scan_id in forced) for scan in self._known.values()]

    def asked_since(self, since: datetime, besides: ScanId) -> list[datetime]:
        """When scans other than this one, or the end of scans, were asked for that the server may have wanted."""
        names = (name for name in self._spool.requests.names() if name >= f"{since:%Y%m%d}")
        entries = (parsed for name in names if (parsed := parse_name(name)))
        with suppress(ValueError):
            # A name that tells no real moment ends the list: nothing of ours makes one.
            late = [
                (i, k, at)
                for i, k in entries
                if i != besides and (at := requested_at(ScanId(i))) >= since
            ]
            return [at for entry_id, kind, at in late if self._may_be_the_servers(entry_id, kind)]
        return []

    def candidates(self, scans: Sequence[Waiting]) -> list[Waiting]:
        """Those that may be sent now, in order."""
        delivery = self._process.settings.delivery
        return order.candidates(scans, {*self._held(), *self._damaged}, self.attempted, delivery)

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

    def _may_be_the_servers(self, entry_id: str, kind: Kind) -> bool:
        """Where stages have users of their own, this one may not read requests."""
        record: type[Request] | type[Cancellation] = Request if kind == "request" else Cancellation
        try:
            return self._spool.requests.read(entry_id, kind, record).reason.source == "server"
        except (EntryMissingError, EntryDamagedError, StorageError):
            return True

    def _held(self) -> set[str]:
        return self._delivery_state.of_another_server.union(self._spool.commands.ids("hold"))

    def _why(self, scan: Waiting) -> order.Superseded | None:
        accepted: Accepted | None = self._delivery_state.accepted.get(scan.profile)
        return order.superseded(scan, accepted, self._process.settings.delivery)

    def _find(self, scan_id: ScanId) -> Waiting | None:
        if scan_id in self._damaged:
            return None
        self._process.alive()
        try:
            head = self._spool.reports.head(scan_id, "report", report_index.BYTES)
        except (EntryMissingError, EntryDamagedError):
            head = b""
        if found := report_index.read_head(scan_id, head):
            return found
        report = self.read(scan_id)
        return order.waiting(report, scan_id) if report else None

    def _mark(self, scan_id: ScanId, name: str, reason: str) -> None:
        self._damaged.add(scan_id)
        self._known.pop(scan_id, None)
        if self._process.state_store.damaged().get(name) != reason:
            self._process.state_store.mark_damaged(name, reason)
            self._process.log.error(
                "damaged report passed over; it is made again from the raw entry",
                scan_id=scan_id,
                why=reason,
            )
