"""`flush`: deliver everything pending now; with `--wait`, until nothing is pending any more.

The exit code shows whether everything is delivered: OK when every scan has its receipt; NO when
some are pending, at whatever step from the request to the server, wait for a replay, or are held.
"""

import argparse
import time

from schemas.destination import DESTINATION_STATE, SHIP_STATE, Destination, ShipState
from schemas.ids import ScanId
from schemas.records import Record, Struct
from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.console import arguments, scan_states
from stages.console.context import Context
from stages.console.delivery import retry
from stages.console.output import Bar, progress_bar, show_line, warn
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.ship.waiting import why_stopped

_CHECK_EVERY_S = 0.2


class Flushed(Record, frozen=True, kw_only=True):
    """What `flush --json` prints."""

    delivered: int
    pending: int
    held: int


class _Work(Struct, frozen=True):
    """What is to be delivered, at one moment."""

    boxes: scan_states.Boxes
    replays: dict[ScanId, Stage]
    """The scans that are done, but wait for a replay; each with the stage that begins it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_wait(parser, "wait until nothing is pending", remark=" (default: never)")


def run(args: argparse.Namespace, context: Context) -> Exit:
    arguments.only_with_wait(args)
    spool = context.existing_spool()
    work = _work(spool)
    flushed = _count(work)
    if flushed.pending:
        retry.give(context)
        if args.wait:
            flushed = _wait(args.timeout, context, spool, flushed.pending)
        elif stopped := _stopped_stage(spool, work):
            warn(why_stopped(stopped))
    line, code = "nothing is pending", Exit.OK
    if flushed.pending + flushed.held > 0:
        line, code = f"{flushed.pending} pending, {flushed.held} held", Exit.NO
    show_line(flushed, line, as_json=context.json)
    return code


def _wait(timeout_s: float, context: Context, spool: Spool, pending_before: int) -> Flushed:
    end = time.monotonic() + timeout_s
    shown: str | None = None
    with progress_bar(quiet=context.json, what="delivering") as bar:
        while True:
            work = _work(spool)
            flushed = _count(work, pending_before)
            message = _progress(spool, flushed)
            if message != shown:
                _show(bar, message, flushed, pending_before)
                shown = message
            if not flushed.pending or time.monotonic() >= end:
                return flushed
            stopped = _stopped_stage(spool, work)
            if stopped:
                raise CommandError(why_stopped(stopped))
            time.sleep(_CHECK_EVERY_S)


def _progress(spool: Spool, flushed: Flushed) -> str:
    """How far it is, or why nothing is delivered."""
    destination = spool.state_store("ship").read(DESTINATION_STATE, Destination)
    if destination is None or destination.state == "ready" or not flushed.pending:
        return f"{flushed.delivered} delivered"
    action = destination.action or "it is retried automatically"
    return f"{destination.state}: {destination.reason}; {action}"


def _show(bar: Bar, message: str, flushed: Flushed, pending_before: int) -> None:
    total = max(pending_before, flushed.delivered + flushed.pending)
    bar.step(message, flushed.delivered, total)


def _stopped_stage(spool: Spool, work: _Work) -> Stage | None:
    """The first stage that has work and is not running."""
    needed = set(map(work.boxes.next_stage, work.boxes.pending))
    for step in work.replays.values():
        needed.update((step, "ship"))
    for stage in STAGES:
        if stage in needed and not spool.is_running(stage):
            return stage
    return None


def _count(work: _Work, pending_before: int = 0) -> Flushed:
    """How many scans are pending, at whatever step, and how many are held."""
    boxes = work.boxes
    held = sum(boxes.state(scan_id) == "held" for scan_id in boxes.pending)
    pending = len(boxes.pending) - held + len(work.replays)
    return Flushed(delivered=max(0, pending_before - pending), pending=pending, held=held)


def _work(spool: Spool) -> _Work:
    """Both kinds of replays end in the ship stage, which records what it has applied."""
    boxes = scan_states.snapshot(spool)
    state = spool.state_store("ship").read(SHIP_STATE, ShipState) or ShipState()
    found: dict[ScanId, Stage] = {}
    for command_id, replay in spool.commands.replays.readable():
        done = boxes.reports & boxes.receipts
        if replay.step == "parse":
            done &= boxes.raw
        waiting = done.intersection(replay.scan_ids)
        for scan_id in waiting.difference(state.replayed.get(command_id, ())):
            found[scan_id] = replay.step
    return _Work(boxes, found)
