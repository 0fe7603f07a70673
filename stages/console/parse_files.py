"""`parse`: scanner output made elsewhere, plain or compressed, to a report on standard output.

On a terminal the report is shown as text; piped, or with --json, it is the report itself. `-` is
standard input. Nothing is written into the spool: that is `submit`.
"""

import argparse
import sys
from pathlib import Path

from stages.console.context import Context
from stages.console.format_output import add_format_arguments, chosen_format, write_report
from stages.console.output import show_json
from stages.console.parse_task import MAX_BYTES
from stages.console.report_view import show_failed, show_summary
from stages.console.scanner_files import read_scanner_files
from stages.console.sources import open_sources
from stages.formats import registry
from stages.formats.source import ReportSource
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """The files of one scan, and how their times are read."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="the output files of one scan, plain or compressed; - is standard input",
    )
    parser.add_argument(
        "--time-zone",
        metavar="NAME",
        help="the zone of times that name none, such as Europe/Berlin (default: this host's)",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file_arguments(parser)
    parser.add_argument(
        "--include-notselected",
        action="store_true",
        help="include rules that the profile does not select",
    )
    add_format_arguments(parser, registry.names())


def run(args: argparse.Namespace, context: Context) -> Exit:
    with open_sources(args.files, MAX_BYTES) as sources:
        report, _ = read_scanner_files(
            sources, args.time_zone, include_notselected=args.include_notselected
        )
        if args.format or args.output:
            source = ReportSource(report=report, agent_version=AGENT_VERSION)
            write_report(chosen_format(args, context), source, args.output)
            return Exit.OK
    if context.json or not sys.stdout.isatty():
        show_json(report)
    else:
        show_summary(report)
        show_failed(report)
    return Exit.OK
