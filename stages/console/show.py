"""`show`: one scan, from request to receipt; or one of its rules; or its fixes."""

import argparse
from datetime import UTC, datetime

from schemas.ids import ScanId, is_scan_id
from schemas.manifest import Manifest
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report, RuleResult
from schemas.request import Request
from spool.spool import Spool
from stages.console import states
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.format_output import add_format_arguments, chosen_format, write_report
from stages.console.output import say, show_facts, show_json
from stages.console.pending_reasons import PendingReasons
from stages.console.report_source import report_source
from stages.console.report_view import show_failed, show_rule, show_summary
from stages.formats import registry
from stages.runtime.exits import Exit

_SHELLS = ("sh", "bash", "shell")


class Whole(Record, frozen=True, kw_only=True):
    """All entries of one scan."""

    scan_id: ScanId
    state: states.State
    request: Request | None = None
    manifest: Manifest | None = None
    report: Report | None = None
    receipt: Receipt | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", metavar="ID", help="a scan id, or `last`")
    parser.add_argument(
        "--rule", metavar="RULE", help="everything about one rule: its id, or the end of it"
    )
    parser.add_argument(
        "--fix",
        metavar="SYSTEM",
        help="print the fixes of the failed rules, or of the one of --rule: sh, ansible, puppet, …",
    )
    add_format_arguments(parser, registry.names())


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    whole = _whole(spool, args.scan_id)
    if args.rule or args.fix:
        return _part(args, context, whole)
    if args.format or args.output:
        return _formatted(args, context, spool, whole)
    if context.json:
        show_json(whole)
        return Exit.OK
    _show_way(context, whole)
    if whole.report:
        show_summary(whole.report, whole.receipt)
        show_failed(whole.report)
    return Exit.OK


def _formatted(args: argparse.Namespace, context: Context, spool: Spool, whole: Whole) -> Exit:
    if whole.report is None:
        raise CommandError(f"{whole.scan_id} has no report yet: it is {whole.state}", Exit.NO)
    chosen = chosen_format(args, context)
    source = report_source(spool, whole.report, whole.receipt)
    write_report(chosen, source, args.output)
    return Exit.OK


def _whole(spool: Spool, wanted: str) -> Whole:
    boxes = states.snapshot(spool)
    if wanted == "last" and boxes.scan_ids:
        wanted = boxes.scan_ids[-1]
    if not is_scan_id(wanted) or wanted not in boxes.scan_ids:
        raise CommandError(f"no scan {wanted}: see `compliance-agent list`", Exit.NO)
    scan_id = ScanId(wanted)
    asked = spool.requests if scan_id in boxes.requests else spool.commands.requests
    has_request = scan_id in boxes.requests or scan_id in boxes.commands
    return Whole(
        scan_id=scan_id,
        state=boxes.state(scan_id),
        request=asked.read(scan_id) if has_request else None,
        manifest=spool.raw.manifest(scan_id) if scan_id in boxes.raw else None,
        report=spool.reports.read(scan_id) if scan_id in boxes.reports else None,
        receipt=spool.receipts.read(scan_id) if scan_id in boxes.receipts else None,
    )


def _show_way(context: Context, whole: Whole) -> None:
    spool = context.spool
    least = context.settings.spool.min_free_mib
    manifest = whole.manifest
    reasons = manifest.reasons if manifest else (whole.request.reason,) if whole.request else ()
    show_facts(
        (
            ("scan", whole.scan_id),
            ("state", whole.state),
            (
                "waits",
                PendingReasons(spool, states.snapshot(spool), datetime.now(UTC), least).why(
                    whole.scan_id
                ),
            ),
            *(
                ("asked for", f"by the {r.source} at {r.at:%Y-%m-%d %H:%M:%SZ}{_as(r.request_id)}")
                for r in reasons
            ),
            ("command", " ".join(manifest.command) if manifest and manifest.command else None),
            ("exit code", manifest.exit_code if manifest else None),
            ("raw", spool.raw.path / whole.scan_id if manifest else None),
            ("report", spool.reports.path / f"{whole.scan_id}.report" if whole.report else None),
        )
    )


def _as(request_id: str | None) -> str:
    return f" as {request_id}" if request_id else ""


def _part(args: argparse.Namespace, context: Context, whole: Whole) -> Exit:
    if whole.report is None:
        raise CommandError(f"{whole.scan_id} has no report yet: it is {whole.state}", Exit.NO)
    results = whole.report.results
    if args.rule:
        results = (_rule(results, args.rule, whole.scan_id),)
    if args.fix:
        chosen = (
            results if args.rule else tuple(result for result in results if result.status == "fail")
        )
        return _fixes(chosen, args.fix, context)
    show_json(results[0]) if context.json else show_rule(results[0])
    return Exit.OK


def _rule(results: tuple[RuleResult, ...], named: str, scan_id: ScanId) -> RuleResult:
    """The one rule of that id, or whose id alone ends so. Raises CommandError."""
    exact = [r for r in results if named in (r.rule_ref, r.rule_ref.rpartition("_rule_")[2])]
    found = exact or [result for result in results if result.rule_ref.endswith(f"_{named}")]
    if not found:
        raise CommandError(f"{scan_id} has no rule {named}", Exit.NO)
    if len(found) > 1:
        raise CommandError(
            f"more than one rule ends so: {', '.join(r.rule_ref for r in found)}", Exit.NO
        )
    return found[0]


def _fixes(results: tuple[RuleResult, ...], system: str, context: Context) -> Exit:
    """Runnable text, each under its rule's name."""
    fixes = {result.rule_ref: text for result in results if (text := _fix(result, system))}
    if not fixes:
        raise CommandError(_no_fix(results, system), Exit.NO)
    if context.json:
        show_json(fixes)
        return Exit.OK
    for rule, text in fixes.items():
        say(f"# {rule}")
        say(text)
        say()
    return Exit.OK


def _fix(result: RuleResult, system: str) -> str | None:
    if system in _SHELLS:
        return None if result.advice else result.remediation
    return next((fix.text for fix in result.other_fixes if fix.system == system), None)


def _no_fix(results: tuple[RuleResult, ...], system: str) -> str:
    if len(results) != 1:
        return f"no {system} fix for the {len(results)} failed rules"
    rule = results[0]
    if rule.status in ("pass", "notapplicable") and system not in _SHELLS:
        why = "passed" if rule.status == "pass" else "does not apply here"
        return (
            f"{rule.rule_ref} {why}: of such rules the report keeps the sh fix alone; try --fix sh"
        )
    there = ["sh"] if _fix(rule, "sh") else []
    there += sorted({fix.system for fix in rule.other_fixes})
    there += ["advice in words, without --fix"] if rule.advice else []
    return f"{rule.rule_ref} has no {system} fix; there is {', '.join(there) or 'none at all'}"
