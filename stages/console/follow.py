"""Following scans until they are done: by doorbell for the progress, by the spool for the truth."""

import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from schemas.event import Event, EventName
from schemas.ids import ScanId
from spool.spool import Spool
from stages.console.output import Bar, progress_bar
from stages.process.doorbell import Doorbell, DoorbellError, NoDoorbell, ZmqDoorbell

_LOOK_EVERY_S = 0.25
_HEARS: tuple[EventName, ...] = (
    "ScanStarted",
    "RuleEvaluated",
    "ScanFinished",
    "ReportWritten",
    "ReportShipped",
    "ShippingPaused",
)


def follow(
    spool: Spool,
    doorbell: Doorbell,
    scan_ids: Collection[ScanId],
    until: Literal["report", "receipt"],
    limit_s: float | None,
    alive: Callable[[], object] = lambda: None,
    *,
    quiet: bool = False,
) -> bool:
    """Wait until all scans have an entry of kind `until`, showing progress. False: time is up.

    `alive` is called all the time and may raise to end the waiting.
    """
    end = None if limit_s is None else time.monotonic() + limit_s
    box = spool.reports if until == "report" else spool.receipts
    with progress_bar(quiet=quiet) as bar:
        while not set(scan_ids) <= set(box.ids(until)):
            if end is not None and time.monotonic() >= end:
                return False
            alive()
            events, _ = doorbell.wait(_LOOK_EVERY_S, ())
            for event in events:
                if event.scan_id in scan_ids:
                    _show(bar, event)
    return True


def listen(stack: ExitStack, runtime: Path) -> Doorbell:
    """A doorbell to hear progress by; where ZeroMQ can't be had, waiting works without progress."""
    try:
        bell: Doorbell = ZmqDoorbell(runtime, None, _HEARS)
    except DoorbellError:
        bell = NoDoorbell()
    stack.callback(bell.close)
    return bell


def _show(bar: Bar, event: Event) -> None:
    if event.name == "ScanStarted":
        bar.step(f"evaluating {event.profile}", 0, event.total)
    elif event.name == "RuleEvaluated":
        bar.step(f"{event.result}: {event.rule}", event.done, event.total)
    elif event.name == "ScanFinished":
        bar.step(f"scan {event.result}{f': {event.words}' if event.words else ''}")
    elif event.name == "ReportWritten":
        bar.step("report written, shipping")
    elif event.name == "ShippingPaused":
        bar.step(f"waiting for the server: {event.words}")
