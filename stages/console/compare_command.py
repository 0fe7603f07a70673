"""`compare`: what differs between two scans, and since when the failed rules fail."""

import argparse
from itertools import chain

from schemas import codec
from schemas.report import Report
from spool.spool import Spool
from stages.console.context import Context
from stages.console.format_output import add_format_arguments, chosen_format, write_output
from stages.console.report_source import kept_report
from stages.console.scan_names import HELP
from stages.formats import comparison_views
from stages.formats.compare import compare, failure_ages
from stages.formats.kept_scans import KeptScans
from stages.runtime.command_error import CommandError, UsageError
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "before",
        nargs="?",
        metavar="A",
        help="the scan to compare with (default: the completed scan of the same profile before B)",
    )
    parser.add_argument(
        "after", nargs="?", default="last", metavar="B", help=f"{HELP} (default: last)"
    )
    parser.add_argument(
        "--since-good",
        action="store_true",
        help="show since when each failed rule of a scan (default: last) has failed, and the last "
        "good scan",
    )
    add_format_arguments(parser, comparison_views.FORMATS)


def run(args: argparse.Namespace, context: Context) -> Exit:
    """Exit code 1 where B is worse than A, or with --since-good where a rule fails."""
    spool = context.existing_spool()
    kept = KeptScans(spool)
    chosen = chosen_format(args, context)
    if args.since_good:
        return _since_good(args, spool, kept, chosen)
    after = kept_report(spool, kept, args.after)
    before = None
    if args.before is not None:
        before = kept_report(spool, kept, args.before)
    if before is None or before.scan_id == after.scan_id:
        # `compare last` means the last scan and the one before it, too.
        before = _one_before(kept, after)
    comparison = compare(before, after)
    chunks = comparison_views.render_comparison(chosen, comparison, AGENT_VERSION)
    write_output(chosen, chunks, args.output)
    if comparison.worse:
        return Exit.NO
    return Exit.OK


def _one_before(kept: KeptScans, after: Report) -> Report:
    before = kept.previous_completed(after)
    if before is None:
        raise CommandError(
            f"{after.scan_id}: no earlier completed scan of {after.profile.name} is kept", Exit.NO
        )
    return before


def _since_good(args: argparse.Namespace, spool: Spool, kept: KeptScans, chosen: str) -> Exit:
    """The one scan that is named is B."""
    if chosen == "html":
        raise UsageError("--since-good has no format html", "compliance-agent compare")
    after = kept_report(spool, kept, args.before or args.after)
    ages = failure_ages(chain((after,), kept.of_profile(after)))
    text = comparison_views.ages_text(ages)
    if chosen == "json":
        text = codec.pretty(ages) + "\n"
    write_output(chosen, [text.encode()], args.output)
    if ages:
        return Exit.NO
    return Exit.OK
