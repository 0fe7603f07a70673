"""`recheck`: evaluate rules of a scan again, in seconds instead of minutes.

It is kept beside the scan, never sent, and never counts as a scan.
"""

import argparse
import os

from stages.console import command_writer
from stages.console.context import Context
from stages.console.fixing.completed_scan import chosen_rules, completed_scan
from stages.console.fixing.recheck_rules import recheck
from stages.console.fixing.recheck_view import show_recheck
from stages.console.output import show_record, warn
from stages.console.scan_names import HELP
from stages.runtime.command_error import UsageError
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", metavar="ID", help=HELP)
    parser.add_argument(
        "--rule",
        metavar="RULE",
        nargs="+",
        action="extend",
        help="these rules, each by its id, title or section, or a part of them",
    )
    parser.add_argument("--failed", action="store_true", help="the rules that failed (default)")


def run(args: argparse.Namespace, context: Context) -> Exit:
    if args.rule and args.failed:
        raise UsageError("--rule excludes --failed", "compliance-agent recheck")
    scan = completed_scan(context, args.scan_id)
    rules = chosen_rules(scan, args.rule)
    command_writer.check(context)
    if os.geteuid() != 0:
        warn("not run as root: rules see only what this user may read")
    found = recheck(context, scan, rules)
    show_record(found, show_recheck, as_json=context.json)
    return Exit.OK
