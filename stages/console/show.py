"""`show`: one scan, from request to receipt; or its rules, one of them, or its fixes."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from schemas.fixes import FixRun, Recheck
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report, RuleStatus
from schemas.request import Reason, Request
from spool.spool import Spool
from stages.console import scan_states
from stages.console.context import Context
from stages.console.entry_reading import read_if_kept
from stages.console.fix_view import show_fixes
from stages.console.fixing.fix_counts import outcome_counts
from stages.console.fixing.recheck_view import summary
from stages.console.format_output import (
    add_format_arguments,
    chosen_format,
    write_output,
    write_report,
)
from stages.console.output import show_facts, show_json, show_record
from stages.console.pending_reasons import PendingReasons
from stages.console.report_source import raw_format, report_source
from stages.console.report_view import FAILED, SortKey, show_results, show_rule, show_summary
from stages.console.rule_lookup import find_rule
from stages.console.scan_names import HELP, find_scan
from stages.console.slowest_view import show_slowest
from stages.formats import registry as formats
from stages.runtime.command_error import CommandError, UsageError
from stages.runtime.exits import Exit
from stages.scanners import registry

_MOST_RECHECKS = 3


class ShownScan(Record, frozen=True, kw_only=True):
    """All entries of one scan."""

    scan_id: ScanId
    state: scan_states.State
    request: Request | None = None
    manifest: Manifest | None = None
    report: Report | None = None
    receipt: Receipt | None = None
    rechecks: tuple[Recheck, ...] = ()
    fixes: tuple[FixRun, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", metavar="ID", help=HELP)
    parser.add_argument(
        "--rule",
        metavar="RULE",
        help="everything about one rule, by its id, its title, its section, or a part of them",
    )
    parser.add_argument(
        "--fix",
        metavar="SYSTEM",
        help="print the fixes of the failed rules, or of the one of --rule: sh, ansible, puppet, …",
    )
    parser.add_argument(
        "--all",
        dest="status",
        action="store_const",
        const=get_args(RuleStatus),
        help="list all rules, not only failed ones",
    )
    parser.add_argument(
        "--status",
        metavar="STATUS,…",
        type=_statuses,
        help=f"list only rules with these statuses: {', '.join(get_args(RuleStatus))}",
    )
    parser.add_argument(
        "--sort",
        choices=get_args(SortKey),
        default="severity",
        help="the order of the rules (default: %(default)s)",
    )
    parser.add_argument(
        "--slowest", action="store_true", help="list the 10 rules whose evaluation took longest"
    )
    add_format_arguments(parser, (*formats.names(), *registry.raw_formats()))


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    shown = _shown_scan(spool, args.scan_id)
    if args.rule or args.fix:
        return _rule_or_fixes(args, context, shown)
    if args.slowest:
        show_slowest(_report(shown).results, shown.scan_id, as_json=context.json)
        return Exit.OK
    if args.format or args.output:
        _write(spool, shown, chosen_format(args, context), args.output)
        return Exit.OK
    if context.json:
        show_json(shown)
        return Exit.OK
    if args.status:
        _report(shown)
    show_facts(_origin(context, shown))
    if shown.report:
        show_summary(shown.report, shown.receipt)
        show_results(shown.report, args.status or FAILED, args.sort)
    return Exit.OK


def _statuses(given: str) -> tuple[str, ...]:
    statuses = tuple(map(str.strip, given.split(",")))
    known = get_args(RuleStatus)
    for status in statuses:
        if status not in known:
            raise argparse.ArgumentTypeError(f"{status!a}: must be one of {', '.join(known)}")
    return statuses


def _shown_scan(spool: Spool, name: str) -> ShownScan:
    boxes = scan_states.snapshot(spool)
    scan_id = find_scan(name, boxes.scan_ids)
    given = read_if_kept(spool.commands.requests.read, scan_id)
    return ShownScan(
        scan_id=scan_id,
        state=boxes.state(scan_id),
        request=read_if_kept(spool.requests.read, scan_id) or given,
        manifest=read_if_kept(spool.raw.manifest, scan_id),
        report=read_if_kept(spool.reports.read, scan_id),
        receipt=read_if_kept(spool.receipts.read, scan_id),
        rechecks=tuple(recheck for _, recheck in spool.fixes.rechecks_of(scan_id)),
        fixes=tuple(run for _, run in spool.fixes.runs() if run.scan_id == scan_id),
    )


def _write(spool: Spool, shown: ShownScan, chosen: str, output: Path | None) -> None:
    report = _report(shown)
    if chosen in registry.raw_formats():
        write_output(chosen, raw_format(spool, shown.scan_id, chosen), output)
    else:
        write_report(chosen, report_source(spool, report, shown.receipt), output)


def _report(shown: ShownScan) -> Report:
    if shown.report is None:
        raise CommandError(f"{shown.scan_id} has no report yet: it is {shown.state}", Exit.NO)
    return shown.report


def _origin(context: Context, shown: ShownScan) -> Iterator[tuple[str, object]]:
    """The facts from the request to the report."""
    spool, manifest = context.spool, shown.manifest
    yield "scan", shown.scan_id
    yield "state", shown.state
    reasons = PendingReasons(context, scan_states.snapshot(spool), datetime.now(UTC))
    yield "pending", reasons.reason(shown.scan_id)
    for reason in _reasons(shown):
        yield "requested", _requested(reason)
    if manifest is not None:
        if manifest.command:
            yield "command", " ".join(manifest.command)
        yield "exit code", manifest.exit_code
        yield "raw", spool.raw.path / shown.scan_id
    if shown.report is not None:
        yield "report", spool.reports.path / f"{shown.scan_id}.report"
    for run in shown.fixes[-_MOST_RECHECKS:]:
        yield "fix", f"{run.at:%Y-%m-%d %H:%M:%SZ}, {run.error or outcome_counts(run.rules)}"
    for recheck in shown.rechecks[-_MOST_RECHECKS:]:
        yield "re-checked", f"{recheck.at:%Y-%m-%d %H:%M:%SZ}, {summary(recheck)}"


def _reasons(shown: ShownScan) -> tuple[Reason, ...]:
    """Of all requests that the scan answers, where it has run."""
    if shown.manifest is not None:
        return shown.manifest.reasons
    if shown.request is not None:
        return (shown.request.reason,)
    return ()


def _requested(reason: Reason) -> str:
    requested = f"by the {reason.source} at {reason.at:%Y-%m-%d %H:%M:%SZ}"
    if reason.request_id:
        requested = f"{requested} as {reason.request_id}"
    if reason.detail:
        requested = f"{requested} ({reason.detail})"
    return requested


def _rule_or_fixes(args: argparse.Namespace, context: Context, shown: ShownScan) -> Exit:
    if args.status:
        raise UsageError("--rule and --fix exclude --all and --status", "compliance-agent show")
    report = _report(shown)
    results = report.results or report.partial_results
    if args.rule:
        results = (find_rule(results, args.rule, shown.scan_id),)
    elif args.fix:
        results = tuple(result for result in results if result.status == "fail")
    if args.fix:
        show_fixes(results, args.fix, as_json=context.json)
    else:
        show_record(results[0], show_rule, as_json=context.json)
    return Exit.OK
