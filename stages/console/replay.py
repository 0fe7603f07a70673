"""`replay`: repeat a step with what is stored in the spool."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from schemas.command import Replay
from schemas.ids import ScanId
from schemas.records import Record
from spool.layout import new_command_id
from stages.console import command_writer, scan_states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.delivery.server_view import ServerView
from stages.console.output import show_record, show_text, warn
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import counted

_MOST_SHOWN = 5


class ReplayView(Record, frozen=True, kw_only=True):
    """What `replay --json` prints."""

    step: str
    scan_ids: tuple[ScanId, ...]
    at: datetime
    force: bool
    not_sent: dict[ScanId, str]
    """Scans that would not be sent without --force, each with the reason. `replay ship` leaves them
    out; `replay parse` makes their reports again.
    """


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "step",
        choices=("parse", "ship"),
        help="parse: make the report again from the raw entry, and ship it; "
        "ship: send the report again",
    )
    filters.add_choice(parser)
    parser.add_argument(
        "--force", action="store_true", help="ship even if the server has a newer scan"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be replayed")


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    boxes = scan_states.snapshot(spool)
    if args.step == "parse":
        present, where = boxes.raw & boxes.reports, "raw entry with a report"
    else:
        present, where = boxes.reports & boxes.receipts, "report with a receipt"
    scan_ids: Sequence[ScanId] = filters.choose(args, spool, present, where)
    not_sent: dict[ScanId, str] = {}
    if not args.force:
        not_sent = _not_sent(context, scan_ids)
    if args.step == "ship":
        scan_ids = [scan_id for scan_id in scan_ids if scan_id not in not_sent]
        if not scan_ids:
            raise CommandError(_why_nothing(not_sent), Exit.NO)
    replay = Replay(
        step=args.step, scan_ids=tuple(scan_ids), at=command_writer.now(), force=args.force
    )
    if not args.dry_run:
        with command_writer.giving(context) as commands:
            commands.replays.write(new_command_id(replay.at), replay)
    view = ReplayView(
        step=replay.step,
        scan_ids=replay.scan_ids,
        at=replay.at,
        force=replay.force,
        not_sent=not_sent,
    )
    show_record(view, partial(_show, is_dry=args.dry_run), as_json=context.json)
    if not args.dry_run:
        command_writer.warn_if_stopped(context, replay.step, "replays")
    return Exit.OK


def _not_sent(context: Context, scan_ids: Sequence[ScanId]) -> dict[ScanId, str]:
    """The scans that the ship stage would not send, each with the reason."""
    server = ServerView(context.spool, context.settings)
    found: dict[ScanId, str] = {}
    for scan_id in scan_ids:
        reason = server.superseded(scan_id)
        if reason is not None:
            found[scan_id] = reason.message
    return found


def _show(replay: ReplayView, *, is_dry: bool) -> None:
    scans = counted(len(replay.scan_ids), "scan")
    if is_dry:
        show_text(f"would {replay.step} {scans} again:")
        show_text("\n".join(replay.scan_ids))
    else:
        show_text(f"requested: {replay.step} {scans} again")
    lines = [f"not sent: {line}" for line in _lines(replay.not_sent)]
    for line in lines[:_MOST_SHOWN]:
        warn(line)
    if len(lines) > _MOST_SHOWN:
        warn(f"and {len(lines) - _MOST_SHOWN} more; --json lists them")


def _why_nothing(not_sent: Mapping[ScanId, str]) -> str:
    first = next(iter(_lines(not_sent)))
    more = ""
    if len(not_sent) > 1:
        more = f" (and {len(not_sent) - 1} more)"
    return f"{first}{more}; nothing was requested"


def _lines(not_sent: Mapping[ScanId, str]) -> list[str]:
    return [f"{scan_id}: {not_sent[scan_id]}; --force sends it" for scan_id in not_sent]
