"""`replay`: do a step again with what the spool holds."""

import argparse

from schemas.command import Replay
from spool.layout import new_command_id
from stages.console import command_writer, states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.output import say, show_json
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "step", choices=("parse", "ship"), help="parse: raw to report, then ship; ship: send again"
    )
    filters.add_choice(parser)
    parser.add_argument(
        "--force", action="store_true", help="ship even where the server has a newer scan"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be replayed")


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    boxes = states.snapshot(spool)
    present = boxes.raw & boxes.reports if args.step == "parse" else boxes.reports & boxes.receipts
    where = "raw entry with a report" if args.step == "parse" else "report with a receipt"
    scan_ids = filters.choose(args, spool, present, where)
    at = command_writer.now()
    replay = Replay(step=args.step, scan_ids=scan_ids, at=at, force=args.force)
    if not args.dry_run:
        command_writer.give(context, new_command_id(at), "replay", replay)
    if context.json:
        show_json(replay)
    else:
        said = "would replay" if args.dry_run else "replaying"
        say(f"{said} {args.step} of {len(scan_ids)} scan{'s' if len(scan_ids) > 1 else ''}")
        if args.dry_run:
            say("\n".join(scan_ids))
    return Exit.OK
