"""`cancel`: cancel waiting or running scans; they are reported as cancelled."""

import argparse

from schemas.request import Cancellation, Reason
from spool.layout import new_command_id
from stages.console import command_writer, scan_names, scan_states
from stages.console.context import Context
from stages.console.output import show_line
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scan_ids",
        metavar="ID",
        nargs="*",
        default=[],
        help="scans to cancel (default: all waiting or running ones)",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    boxes = scan_states.snapshot(context.existing_spool())
    waiting = {*boxes.commands, *boxes.requests}
    open_ids = [i for i in sorted(waiting) if boxes.state(i) in ("requested", "scanning")]
    wanted = args.scan_ids or open_ids
    if not wanted:
        raise CommandError("no scan is waiting or running", Exit.NO)
    at = command_writer.now()
    what = "waiting or running scan"
    scan_ids = scan_names.find_scans(wanted, boxes.scan_ids, open_ids, what)
    cancellation = Cancellation(scan_ids=scan_ids, reason=Reason(source="operator", at=at))
    with command_writer.giving(context) as commands:
        commands.cancellations.write(new_command_id(at), cancellation)
    show_line(cancellation, f"cancelling {', '.join(scan_ids)}", as_json=context.json)
    command_writer.warn_if_stopped(context, "scan", "cancels")
    return Exit.OK
