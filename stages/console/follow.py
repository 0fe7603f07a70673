"""Following a scan until it is done: by doorbell for the progress, by the spool for the truth."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from schemas.destination import Destination
from schemas.event import SCAN_EVENTS, Event
from schemas.ids import ScanId
from schemas.report import Report
from spool.errors import EntryDamagedError, EntryMissingError
from spool.spool import Spool
from stages.console import states
from stages.console.context import Context
from stages.console.output import Bar, progress_bar
from stages.console.pending_reasons import PendingReasons
from stages.runtime.doorbell import Doorbell, DoorbellError, NoDoorbell, ZmqDoorbell
from stages.ship.destination import NOTE

_LOOK_EVERY_S = 0.25
_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Followed:
    """Where the waiting ended."""

    scan_id: ScanId
    """The scan that answers the wish: another one, where that scanned the same."""
    late: str | None = None
    """Where time was up: how far the scan is, and why it waits."""


def follow(
    context: Context,
    doorbell: Doorbell,
    scan_id: ScanId,
    until: Literal["report", "receipt"],
    limit_s: float | None,
    alive: Callable[[], object] = lambda: None,
    *,
    quiet: bool = False,
) -> Followed:
    """Wait until the scan has an entry of kind `until`, showing progress, and whatever it waits for.

    `alive` is called all the time and may raise to end the waiting.
    """
    end = None if limit_s is None else time.monotonic() + limit_s
    spool = context.spool
    box = spool.reports if until == "report" else spool.receipts
    with progress_bar(quiet=quiet) as bar:
        reasons = _Reasons(context, bar)
        merged: bool | None = None
        while True:
            # Once: a report is long, and never changes.
            if merged is None and scan_id in spool.reports.ids("report"):
                answer = _answered_by(spool, scan_id)
                merged = answer is not None
                if answer:
                    bar.step(f"answered by {answer}, the same scanner and profile")
                    scan_id = answer
            if scan_id in box.ids(until):
                return Followed(scan_id)
            if end is not None and time.monotonic() >= end:
                return Followed(scan_id, reasons.how_far(scan_id))
            alive()
            reasons.show(scan_id)
            for event in doorbell.wait(_LOOK_EVERY_S, ())[0]:
                if event.scan_id == scan_id:
                    _show(bar, event)


def listen(stack: ExitStack, runtime: Path) -> Doorbell:
    """A doorbell to hear progress by; where ZeroMQ can't be had, waiting works without progress."""
    try:
        bell: Doorbell = ZmqDoorbell(runtime, None, SCAN_EVENTS)
    except DoorbellError:
        bell = NoDoorbell()
    stack.callback(bell.close)
    return bell


def _answered_by(spool: Spool, scan_id: ScanId) -> ScanId | None:
    """The other scan that answers this one, as its report says."""
    with suppress(EntryMissingError, EntryDamagedError):
        return spool.reports.read(scan_id, "report", Report).answered_by
    return None


class _Reasons:
    """What a scan waits for, shown once each, when it has been so for a while."""

    def __init__(self, context: Context, bar: Bar) -> None:
        self._spool = context.spool
        self._min_free_mib = context.settings.spool.min_free_mib
        self._bar = bar
        self._why: str | None = None
        self._since = time.monotonic()
        self._shown: str | None = None

    def show(self, scan_id: ScanId) -> None:
        _, why = self._now(scan_id)
        if why != self._why:
            self._why, self._since = why, time.monotonic()
        if why and why != self._shown and time.monotonic() - self._since >= _PATIENCE_S:
            self._shown = why
            self._bar.step(f"waiting: {why}")

    def how_far(self, scan_id: ScanId) -> str:
        state, why = self._now(scan_id)
        return f"{state} ({why})" if why else state

    def _now(self, scan_id: ScanId) -> tuple[str, str | None]:
        boxes = states.snapshot(self._spool)
        noted = self._spool.state_store("ship").read(NOTE, Destination)
        # Seconds to the next try are counted from when they were noted: the words change with the facts alone.
        now = noted.at if noted else datetime.now(UTC)
        return boxes.state(scan_id), PendingReasons(
            self._spool, boxes, now, self._min_free_mib
        ).why(scan_id)


def _show(bar: Bar, event: Event) -> None:
    if event.name == "ScanStarted":
        bar.step(f"evaluating {event.profile}", 0, event.total)
    elif event.name == "RuleEvaluated":
        bar.step(f"{event.result}: {event.rule}", event.done, event.total)
    elif event.name == "ScanFinished" and event.result != "merged":
        bar.step(f"scan {event.result}{f': {event.message}' if event.message else ''}")
    elif event.name == "ReportWritten":
        bar.step("report written")
