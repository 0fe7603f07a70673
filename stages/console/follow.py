"""Following a scan until it is done: progress from the doorbell, the state from the spool."""

import math
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from schemas.destination import DESTINATION_STATE, Destination
from schemas.event import SCAN_EVENTS, Event
from schemas.ids import ScanId
from schemas.records import Struct
from spool.errors import EntryError
from spool.spool import Spool
from stages.console import scan_states
from stages.console.context import Context
from stages.console.output import Bar, progress_bar
from stages.console.pending_reasons import PendingReasons
from stages.runtime.doorbell import Doorbell, DoorbellError, NoDoorbell, ZmqDoorbell

_CHECK_EVERY_S = 0.25
_PATIENCE_S = 1.0
_REPORTED = ("ship-pending", "held", "done")
LastEntry = Literal["report", "receipt"]
_ENDS: Mapping[LastEntry, tuple[str, ...]] = {"report": _REPORTED, "receipt": ("done",)}
"""The states in which there is such an entry."""


class Followed(Struct, frozen=True):
    """The scan that was waited for, and whether it was in time."""

    scan_id: ScanId
    """The requested scan, or the one that it was merged with."""
    late: str | None = None
    """The state of the scan and why it is pending, if the time limit ended the wait; else None."""


def follow(
    context: Context,
    doorbell: Doorbell,
    scan_id: ScanId,
    until: LastEntry,
    limit_s: float = math.inf,
    *,
    quiet: bool = False,
) -> Followed:
    """Wait until the scan has an entry of kind `until`, showing progress and why it is pending."""
    end = time.monotonic() + limit_s
    spool = context.spool
    with progress_bar(quiet=quiet) as bar:
        reasons = _ReasonsView(context, bar)
        report_seen = False
        while True:
            state = scan_states.snapshot(spool).state(scan_id)
            # Once: a report is long, and never changes.
            if not report_seen and state in _REPORTED:
                report_seen = True
                scan_id = _answering_scan(spool, scan_id, bar)
                state = scan_states.snapshot(spool).state(scan_id)
            if state in _ENDS[until]:
                return Followed(scan_id)
            if time.monotonic() >= end:
                return Followed(scan_id, reasons.state(scan_id))
            reasons.show(scan_id)
            events, _ = doorbell.wait(_CHECK_EVERY_S, ())
            _show_progress(bar, scan_id, events)


def last_entry(context: Context) -> LastEntry:
    """The entry with which a scan is done: without a server there are no receipts."""
    if context.settings.server.url is None:
        return "report"
    return "receipt"


def _answering_scan(spool: Spool, scan_id: ScanId, bar: Bar) -> ScanId:
    """The scan whose result this one shares, as its report states; else the scan itself."""
    answer = _answered_by(spool, scan_id)
    if answer is None:
        return scan_id
    bar.step(f"answered by {answer}, the same scanner and profile")
    return answer


def listen(stack: ExitStack, runtime: Path) -> Doorbell:
    """A doorbell that receives progress; if ZeroMQ cannot be used, the waiting shows none."""
    try:
        doorbell: Doorbell = ZmqDoorbell(runtime, None, SCAN_EVENTS)
    except DoorbellError:
        doorbell = NoDoorbell()
    stack.callback(doorbell.close)
    return doorbell


def _answered_by(spool: Spool, scan_id: ScanId) -> ScanId | None:
    """The other scan that answers this one, as its report says."""
    with suppress(EntryError):
        return spool.reports.read(scan_id).answered_by
    return None


class _ReasonsView:
    """Why a scan is pending; each reason is shown once, when it has lasted for a while."""

    def __init__(self, context: Context, bar: Bar) -> None:
        self._context = context
        self._bar = bar
        self._reason: str | None = None
        self._since = time.monotonic()
        self._shown: str | None = None

    def show(self, scan_id: ScanId) -> None:
        _, reason = self._now(scan_id)
        if reason != self._reason:
            self._reason, self._since = reason, time.monotonic()
        has_lasted = time.monotonic() - self._since >= _PATIENCE_S
        if reason and reason != self._shown and has_lasted:
            self._shown = reason
            self._bar.step(f"waiting: {reason}")

    def state(self, scan_id: ScanId) -> str:
        state, reason = self._now(scan_id)
        if reason is None:
            return state
        return f"{state} ({reason})"

    def _now(self, scan_id: ScanId) -> tuple[str, str | None]:
        spool = self._context.spool
        boxes = scan_states.snapshot(spool)
        noted = spool.state_store("ship").read(DESTINATION_STATE, Destination)
        now = datetime.now(UTC)
        if noted:
            # The reason contains the seconds until the next attempt: it changes with the state
            # file alone, not at each call.
            now = noted.at
        reasons = PendingReasons(self._context, boxes, now)
        return boxes.state(scan_id), reasons.reason(scan_id)


def _show_progress(bar: Bar, scan_id: ScanId, events: Iterable[Event]) -> None:
    for event in events:
        if event.scan_id == scan_id:
            _show(bar, event)


def _show(bar: Bar, event: Event) -> None:
    if event.name == "ScanStarted":
        bar.step(f"evaluating {event.profile}", 0, event.total)
    elif event.name == "RuleEvaluated":
        bar.step(f"{event.result}: {event.rule}", event.done, event.total)
    elif event.name == "ScanFinished" and event.result != "merged":
        message = f"scan {event.result}"
        if event.message:
            message += f": {event.message}"
        bar.step(message)
    elif event.name == "ReportWritten":
        bar.step("report written")
