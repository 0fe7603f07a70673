"""`scan`: request a scan of this host, and wait for its result if wanted."""

import argparse
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from schemas.ids import Scanner
from schemas.request import Reason, Request
from spool.layout import STAGES
from stages.console import arguments, command_writer, follow, request_file
from stages.console.content_check import refuse_unknown_profile
from stages.console.context import Context
from stages.console.entry_reading import read_if_kept
from stages.console.output import show_json, show_line, show_progress, show_text, warn
from stages.console.report_view import show_failed, show_summary
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import one_line
from stages.scan import free_space
from stages.scanners import readiness, registry

_MAX_DETAIL_CHARS = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        metavar="P",
        type=arguments.text,
        help="the profile, by id, short name or title (default: the configured profile)",
    )
    parser.add_argument(
        "--scanner",
        choices=registry.all_keys(),
        help=f"the scanner (default: {registry.default().key})",
    )
    parser.add_argument(
        "--request",
        type=Path,
        metavar="FILE",
        help="take scanner, profile and request_id from this file (YAML or JSON)",
    )
    arguments.add_wait(parser, remark=" (the scan continues)")


def run(args: argparse.Namespace, context: Context) -> Exit:
    arguments.only_with_wait(args)
    request = _request(args, context, command_writer.now())
    scan_id = request.scan_id
    if not args.wait:
        _give(context, request)
        show_line(request, scan_id, as_json=context.json)
        return Exit.OK
    with ExitStack() as stack:
        doorbell = follow.listen(stack, context.runtime)
        _give(context, request)
        show_progress(scan_id, as_json=context.json)
        until = follow.last_entry(context)
        try:
            followed = follow.follow(
                context, doorbell, scan_id, until, args.timeout, quiet=context.json
            )
        except KeyboardInterrupt:
            warn(
                f"the scan continues: compliance-agent show {scan_id}; "
                f"to end it: compliance-agent cancel {scan_id}"
            )
            raise
    return outcome(context, followed)


def _give(context: Context, request: Request) -> None:
    with command_writer.giving(context) as commands:
        commands.requests.write(request)
    _warn_of_delays(context, request.scanner)


def _request(args: argparse.Namespace, context: Context, at: datetime) -> Request:
    """The request that the command line, or the file that it names, describes."""
    scanner, profile = args.scanner, args.profile
    reason = Reason(source="operator", at=at)
    if args.request is not None:
        if scanner is not None or profile is not None:
            raise CommandError(
                "--request names scanner and profile itself: leave out --scanner and --profile",
                Exit.USAGE,
            )
        file = request_file.read(args.request)
        scanner, profile = file.scanner, file.profile
        detail = f"file {one_line(str(args.request))}"[:_MAX_DETAIL_CHARS]
        reason = Reason(source="operator", at=at, request_id=file.request_id, detail=detail)
    scanner = scanner or registry.default().key
    refuse_unknown_profile(context, scanner, profile)
    scan_id = command_writer.new_scan_id(context, scanner, at)
    return Request(scan_id=scan_id, scanner=scanner, profile=profile, reason=reason)


def outcome(context: Context, followed: follow.Followed) -> Exit:
    """Show the result of a scan. OK if it completed, and the server accepted it if there is one.

    Raises CommandError if it is not done.
    """
    spool, scan_id = context.spool, followed.scan_id
    if followed.late:
        raise CommandError(
            f"timed out, {scan_id} is still {followed.late}; see compliance-agent show {scan_id}",
            Exit.NO,
        )
    report = spool.reports.read(scan_id)
    receipt = read_if_kept(spool.receipts.read, scan_id)
    if context.json:
        show_json({"report": report, "receipt": receipt})
    else:
        show_summary(report, receipt)
        show_failed(report)
        if receipt is None:
            show_text("not sent: no server is configured (server.url)", "yellow")
    if report.status != "completed":
        return Exit.NO
    if receipt is not None and receipt.answer != "accepted":
        return Exit.NO
    return Exit.OK


def _warn_of_delays(context: Context, scanner: Scanner) -> None:
    stopped = [stage for stage in STAGES if not context.spool.is_running(stage)]
    if stopped:
        warn(f"not running: {', '.join(stopped)}; the request waits in {context.spool.root}")
    refused = readiness.refusal(registry.get(scanner), context.settings)
    if refused:
        warn(f"the scan will fail: {refused.reason}")
    no_space = free_space.why_scans_wait(
        context.spool.raw.path, context.settings.spool.min_free_mib
    )
    if no_space:
        warn(no_space)
