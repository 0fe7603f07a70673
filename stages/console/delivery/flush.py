"""`flush`: deliver what waits, now; with `--wait`, stay until it is done.

The exit code says whether the spool is empty: OK when every scan has its receipt, NO when some wait, at whatever step
from the request to the server, or are held.
"""

import argparse
import time

from schemas.destination import Destination
from schemas.records import Record
from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.console import arguments, states
from stages.console.context import Context
from stages.console.delivery import retry
from stages.console.errors import CommandError
from stages.console.output import Bar, progress_bar, say, show_json
from stages.runtime.exits import Exit
from stages.ship.destination import NOTE

_LOOK_EVERY_S = 0.2


class Flushed(Record, frozen=True, kw_only=True):
    """What `flush --json` prints."""

    delivered: int
    waiting: int
    held: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait until nothing waits any more")
    parser.add_argument(
        "--timeout",
        type=arguments.seconds,
        metavar="SECONDS",
        help="with --wait: at most so long (default: for ever)",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    arguments.only_with_wait(args)
    spool = context.existing_spool()
    before = _count(spool)
    if before.waiting:
        retry.give(context)
    after = _wait(args, context, spool, before) if args.wait and before.waiting else before
    if context.json:
        show_json(after)
    else:
        held = f", {after.held} held" if after.held else ""
        say(
            "the spool is empty"
            if not after.waiting and not after.held
            else f"{after.waiting} waiting{held}"
        )
    return Exit.OK if not after.waiting and not after.held else Exit.NO


def _wait(args: argparse.Namespace, context: Context, spool: Spool, before: Flushed) -> Flushed:
    end = None if args.timeout is None else time.monotonic() + args.timeout
    told: str | None = None
    with progress_bar(quiet=context.json, what="delivering") as bar:
        while True:
            now = _count(spool, before.waiting)
            told = _tell(bar, spool, now, before.waiting, told)
            if not now.waiting or (end is not None and time.monotonic() >= end):
                return now
            if missing := _stopped(spool):
                raise CommandError(
                    f"the {missing} stage is not running: start it (compliance-agent run)"
                )
            time.sleep(_LOOK_EVERY_S)


def _tell(bar: Bar, spool: Spool, now: Flushed, total: int, told: str | None) -> str:
    """Show how far it is, and what it waits for; nothing is said twice."""
    destination = spool.state_store("ship").read(NOTE, Destination)
    message = f"{now.delivered} delivered"
    if destination and destination.state != "ready" and now.waiting:
        message = f"{destination.state}: {destination.why}; {destination.action or 'it is tried again by itself'}"
    if message != told:
        bar.step(message, now.delivered, max(total, now.delivered + now.waiting))
    return message


def _stopped(spool: Spool) -> Stage | None:
    """The first stage that has work and is not running."""
    boxes = states.snapshot(spool)
    awaited = {boxes.next_stage(scan_id) or "ship" for scan_id in boxes.pending}
    return next(
        (stage for stage in STAGES if stage in awaited and not spool.is_running(stage)), None
    )


def _count(spool: Spool, before: int = 0) -> Flushed:
    """What waits to be scanned, parsed or shipped, and what is held."""
    boxes = states.snapshot(spool)
    held = sum(boxes.state(scan_id) == "held" for scan_id in boxes.pending)
    waiting = len(boxes.pending) - held
    return Flushed(delivered=max(0, before - waiting), waiting=waiting, held=held)
