"""`trend`: score and failed rules over all kept scans, profile by profile."""

import argparse
from collections.abc import Sequence

from schemas import codec
from stages.console.context import Context
from stages.console.format_output import add_format_arguments, chosen_format, write_output
from stages.console.output import warn
from stages.formats.kept_scans import KeptScans
from stages.formats.trend import Trend, trend_csv, trend_text, trends
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_FORMATS = ("text", "json", "csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        default="",
        metavar="NAME",
        help="only profiles whose name contains this, whatever the case",
    )
    add_format_arguments(parser, _FORMATS)


def run(args: argparse.Namespace, context: Context) -> Exit:
    kept = KeptScans(context.existing_spool())
    found = trends(report for report in kept.newest_first() if report.status != "merged")
    for scan_id in kept.unreadable:
        warn(f"{scan_id}: its report can't be read, see `compliance-agent verify`")
    wanted = args.profile.lower()
    found = tuple(trend for trend in found if wanted in trend.profile.lower())
    if not found:
        raise CommandError(
            "no scan of such a profile is kept: see `compliance-agent list`", Exit.NO
        )
    chosen = chosen_format(args, context)
    write_output(chosen, [_text(found, chosen).encode()], args.output)
    return Exit.OK


def _text(found: Sequence[Trend], chosen: str) -> str:
    if chosen == "json":
        return codec.pretty(found) + "\n"
    if chosen == "csv":
        return trend_csv(found)
    return "\n".join(map(trend_text, found))
