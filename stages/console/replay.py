"""`replay`: do a step again with what the spool holds."""

import argparse
from datetime import UTC, datetime

from schemas.command import Replay
from schemas.ids import ScanId, asked_at
from spool.layout import new_command_id
from stages.console import commanding, states
from stages.console.context import CommandError, Context
from stages.console.output import say, show_json
from stages.process.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "step", choices=("parse", "ship"), help="parse: raw to report, then ship; ship: send again"
    )
    parser.add_argument("scan_ids", metavar="ID", nargs="*", help="scans to replay")
    parser.add_argument(
        "--since", metavar="T", type=_moment, help="all scans asked for since T (2026-11-23[T06:00])"
    )
    parser.add_argument("--force", action="store_true", help="ship even where the server has a newer scan")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be replayed")


def run(args: argparse.Namespace, context: Context) -> Exit:
    boxes = states.look(context.existing_spool())
    present = boxes.raw & boxes.reports if args.step == "parse" else boxes.reports & boxes.receipts
    wanted = list(args.scan_ids)
    if args.since:
        wanted += [i for i in sorted(present) if asked_at(ScanId(i)) >= args.since and i not in wanted]
    elif not wanted:
        raise CommandError("name scans to replay, or --since", Exit.USAGE)
    if not wanted:
        raise CommandError(f"nothing to replay since {args.since:%Y-%m-%d %H:%M}", Exit.NO)
    where = "raw entry with a report" if args.step == "parse" else "report with a receipt"
    scan_ids = commanding.known(wanted, present, where)
    at = commanding.now()
    replay = Replay(step=args.step, scan_ids=scan_ids, at=at, force=args.force)
    if not args.dry_run:
        commanding.give(context, new_command_id(at), "replay", replay)
    if context.json:
        show_json(replay)
    else:
        said = "would replay" if args.dry_run else "replaying"
        say(f"{said} {args.step} of {len(scan_ids)} scan{'s' if len(scan_ids) > 1 else ''}")
    return Exit.OK


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.astimezone().astimezone(UTC)
