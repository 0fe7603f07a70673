"""`hold`: do not ship these scans until they are released."""

import argparse

from schemas.command import Hold
from stages.console import arguments, command_writer, scan_states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.output import show_line
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    filters.add_choice(parser)
    parser.add_argument(
        "--reason", metavar="TEXT", type=arguments.text, help="the reason, as `list` shows it"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    chosen = filters.choose(args, spool, scan_states.snapshot(spool).pending, "pending scan")
    at = command_writer.now()
    holds = [Hold(scan_id=scan_id, at=at, reason=args.reason) for scan_id in chosen]
    with command_writer.giving(context) as commands:
        commands.hold(holds)
    show_line(holds, f"held: {', '.join(chosen)}", as_json=context.json)
    return Exit.OK
