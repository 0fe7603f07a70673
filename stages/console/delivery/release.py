"""`release`: ship held scans."""

import argparse

from stages.console import command_writer, scan_states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.output import show_line
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    filters.add_choice(parser)
    parser.add_argument("--all", action="store_true", help="all held scans")


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    held = scan_states.snapshot(spool).holds
    chosen = tuple(sorted(held))
    if not args.all:
        chosen = filters.choose(args, spool, held, "held scan")
    elif not chosen:
        raise CommandError("no scan is held", Exit.NO)
    with command_writer.giving(context) as commands:
        for scan_id in chosen:
            commands.holds.remove(scan_id)
    show_line({"released": chosen}, f"released: {', '.join(chosen)}", as_json=context.json)
    return Exit.OK
