"""The backlog: the reports that have no receipt, oldest first, and what is known of each.

Promises: the spool is listed only where a directory has changed, and only the header of a report is
read, once. So the cost of a step does not depend on how many reports wait.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator, Mapping

from schemas.ids import ScanId
from schemas.report import Report, report_header
from spool.errors import (
    EntryDamagedError,
    EntryError,
    EntryMissingError,
    EntryUnreadableError,
    NewerFormatError,
)
from spool.layout import entry_name
from stages.runtime.process import Process
from stages.ship import filing, order
from stages.ship.order import Constraints, Superseded, Waiting
from stages.ship.ship_state import DeliveryState


class Backlog:
    """The pending reports, and which of them is sent next."""

    def __init__(self, process: Process, delivery_state: DeliveryState) -> None:
        self._process = process
        self._spool = process.spool
        self._delivery_state = delivery_state
        self._waiting: dict[ScanId, Waiting] = {}
        self._of_place: dict[str, list[ScanId]] = {}
        """By place at the server, the ids that wait for it, oldest first."""
        self._turns: dict[str, int] = {}
        """By place, how many reports had been concluded when one of it was for the last time."""
        self._concluded = 0
        self._skipped: set[ScanId] = set()
        """Reports that can't be read now, or are damaged."""
        self._newer: set[ScanId] = set()
        """Reports of a later version: they stay pending for it."""
        self._attempted: dict[str, ScanId] = dict(delivery_state.unconcluded)
        """By place, the newest report that the server may have: its outcome is not known."""
        self._held: frozenset[str] = frozenset()
        self._listed: tuple[int, ...] = ()
        self._unchecked: set[ScanId] = set()
        """Reports that may be superseded by now."""
        self._checked_by: tuple[object, ...] = ()

    def __len__(self) -> int:
        return len(self._waiting)

    def refresh(self, expect_work: Callable[[], None]) -> None:
        """Take in what has changed in the spool, in the settings, and in what the operator holds.

        `expect_work` is called where there are new reports, before their headers are read.
        """
        self._held = frozenset(self._spool.commands.holds.ids())
        self._skipped.clear()
        listed = self._spool.reports.generation(), self._spool.receipts.generation()
        if listed != self._listed:
            # Set first: `_list` resets it for a report that can't be read now, which is then tried
            # again at the next refresh.
            self._listed = listed
            self._list(expect_work)
        # A change in any of these may supersede any report, or no longer supersede it.
        delivery = self._process.settings.delivery
        checked_by = (
            delivery.send_failed,
            self._held,
            frozenset(self._delivery_state.forced),
            self._delivery_state.url,
        )
        if checked_by != self._checked_by:
            self._checked_by = checked_by
            self._unchecked.update(self._waiting)

    def superseded(self) -> Iterator[tuple[Waiting, Superseded]]:
        """Those that need not be sent, each with the reason."""
        for scan_id in sorted(self._unchecked):
            self._unchecked.discard(scan_id)
            scan = self._waiting.get(scan_id)
            if scan is None or scan_id in self._held:
                continue
            accepted = self._delivery_state.accepted.get(scan.filed_under)
            delivery = self._process.settings.delivery
            forced = scan_id in self._delivery_state.forced
            reason = order.superseded(scan, accepted, delivery, forced=forced)
            if reason is not None:
                yield scan, reason

    def next(
        self, failures: Mapping[ScanId, int], besides: Collection[ScanId] = ()
    ) -> Waiting | None:
        """The report that goes next; `failures` as in `order.next_to_send`."""
        stopped = {*self._held, *self._skipped, *besides}
        newest = None
        if self._process.settings.delivery.backlog == "latest":
            newest = self._newest_of_each_place(stopped)
        constraints = Constraints(
            stopped=stopped,
            forced=self._delivery_state.forced,
            attempted=self._attempted,
            newest=newest,
        )
        scans = (self._waiting[scan_id] for scan_id in self._in_turn(besides))
        return order.next_to_send(scans, constraints, failures)

    def _in_turn(self, besides: Collection[ScanId]) -> Iterator[ScanId]:
        """All that wait: place by place, each oldest first.

        First comes the place that had its last report concluded the longest time ago. `besides`:
        reports that are going to be concluded before.
        """
        waiting = self._waiting
        # Their places come last: the next report of such a place has to wait until the receipt is
        # on disk, that of another place need not.
        under_way = {waiting[scan_id].filed_under for scan_id in besides if scan_id in waiting}

        def turn(place: str) -> tuple[bool, int, ScanId]:
            return place in under_way, self._turns.get(place, 0), self._of_place[place][0]

        for place in sorted(self._of_place, key=turn):
            yield from self._of_place[place]

    def overtakes(self, scan: Waiting) -> bool:
        """Whether an older report of its place waits, held for instance, while this one goes."""
        return self._of_place.get(scan.filed_under, [scan.scan_id])[0] < scan.scan_id

    def is_attempted(self, scan: Waiting) -> bool:
        """Whether the server may have this report from an earlier attempt."""
        return self._attempted.get(scan.filed_under) == scan.scan_id

    def may_be_stored(self, scan: Waiting) -> None:
        """The server may have this report: no older one of its place goes before its outcome is
        known.
        """
        before = self._attempted.get(scan.filed_under, scan.scan_id)
        self._attempted[scan.filed_under] = max(scan.scan_id, before)

    def forget_attempts(self) -> None:
        """Another server may have none of the reports."""
        self._attempted.clear()

    def conclude(self, scan_id: ScanId) -> None:
        """The report has its receipt; older ones of its place may be superseded now."""
        self._process.set_aside.worked(entry_name(scan_id, "report"))
        scan = self._forget(scan_id)
        if scan is None:
            return
        self._concluded += 1
        self._turns[scan.filed_under] = self._concluded
        if self._attempted.get(scan.filed_under) == scan_id:
            del self._attempted[scan.filed_under]
        self._delivery_state.end_overtaking(scan.filed_under, scan_id)
        rivals = self._of_place.get(scan.filed_under, [])
        self._unchecked.update(rivals[: bisect_left(rivals, scan_id)])

    def read(self, scan_id: ScanId) -> Report | None:
        """The report; None where it is gone, or damaged, which is marked for its owner."""
        name = entry_name(scan_id, "report")
        try:
            report = self._spool.reports.read(scan_id)
        except EntryDamagedError as error:
            self._mark_damaged(scan_id, name, str(error))
        except EntryUnreadableError as error:
            self._skip(scan_id)
            self._process.set_aside.failed(name, error)
        except NewerFormatError as error:
            self._forget(scan_id)
            self._newer.add(scan_id)
            self._process.report_newer(name, error)
        except EntryMissingError:
            self._forget(scan_id)
        else:
            self._process.set_aside.worked(name)
            return report
        return None

    def read_header_again(self, scan_id: ScanId) -> None:
        """Forget what is known of this report: it may have changed."""
        self._forget(scan_id)
        self._add(scan_id)

    def _list(self, expect_work: Callable[[], None]) -> None:
        # `kept`: concluded, but their receipts could not be written yet. By the directories alone
        # they would be sent again.
        pending = set(self._spool.pending("ship")) - self._delivery_state.kept - self._newer
        for scan_id in self._waiting.keys() - pending:
            self._forget(scan_id)
        new = pending - self._waiting.keys()
        if new:
            expect_work()
        for scan_id in sorted(new):
            self._process.alive()
            self._add(scan_id)

    def _add(self, scan_id: ScanId) -> None:
        if self._process.set_aside.waits(entry_name(scan_id, "report")):
            self._skip(scan_id)
            return
        scan = self._find(scan_id)
        if scan is None:
            return
        self._waiting[scan_id] = scan
        insort(self._of_place.setdefault(scan.filed_under, []), scan_id)
        self._unchecked.add(scan_id)

    def _forget(self, scan_id: ScanId) -> Waiting | None:
        scan = self._waiting.pop(scan_id, None)
        if scan is None:
            return None
        rivals = self._of_place[scan.filed_under]
        del rivals[bisect_left(rivals, scan_id)]
        if not rivals:
            del self._of_place[scan.filed_under]
        return scan

    def _find(self, scan_id: ScanId) -> Waiting | None:
        try:
            header = self._spool.reports.header(scan_id)
        except EntryError:
            # Reading the whole report finds out what is wrong.
            report = self.read(scan_id)
            if report is None:
                return None
            header = report_header(report)
        name = filing.name_at_the_server(scan_id, header.profile, header.status)
        return Waiting(scan_id, filing.place(scan_id, name), header.status, header.answered_by)

    def _newest_of_each_place(self, stopped: Collection[str]) -> dict[str, ScanId]:
        newest: dict[str, ScanId] = {}
        for place, ids in self._of_place.items():
            for scan_id in reversed(ids):
                if scan_id not in stopped and self._waiting[scan_id].status != "merged":
                    newest[place] = scan_id
                    break
        return newest

    def _skip(self, scan_id: ScanId) -> None:
        """Leave it out until the next listing."""
        self._forget(scan_id)
        self._skipped.add(scan_id)
        self._listed = ()

    def _mark_damaged(self, scan_id: ScanId, name: str, reason: str) -> None:
        # Its owner makes it again.
        self._skip(scan_id)
        self._process.set_aside.worked(name)
        if self._process.state_store.damaged().get(name) != reason:
            self._process.state_store.mark_damaged(name, reason)
            self._process.log.error(
                "damaged report skipped; it is parsed again from the raw entry",
                scan_id=scan_id,
                reason=reason,
            )
