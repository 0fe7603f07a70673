"""`replay`: repeat a step with what is stored in the spool."""

import argparse

from schemas.command import Replay
from spool.layout import new_command_id
from stages.console import command_writer, scan_states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.output import counted, say, show_json
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "step", choices=("parse", "ship"), help="parse: raw to report, then ship; ship: send again"
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
    scan_ids = filters.choose(args, spool, present, where)
    at = command_writer.now()
    replay = Replay(step=args.step, scan_ids=scan_ids, at=at, force=args.force)
    if not args.dry_run:
        with command_writer.giving(context) as commands:
            commands.replays.write(new_command_id(at), replay)
    if context.json:
        show_json(replay)
        return Exit.OK
    scans = counted(len(scan_ids), "scan")
    if args.dry_run:
        say(f"would replay {args.step} of {scans}")
        say("\n".join(scan_ids))
    else:
        say(f"replaying {args.step} of {scans}")
    return Exit.OK
