"""Evaluating some rules of a scan again, and keeping what came of it beside the scan.

Nothing of it is a scan: no entry of an outbox is made, and nothing is sent.

Security: the scanner runs with the rights of the caller, as in a scan; what it writes is read in a
worker process that has none.
"""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from schemas.codec import replace
from schemas.fixes import Recheck, RecheckedRule
from schemas.report import Report, RuleResult
from spool.layout import new_command_id
from stages.console import command_writer
from stages.console.context import Context
from stages.console.fixing.completed_scan import CompletedScan, detected_scanner, own_status
from stages.console.parse_task import MAX_BYTES
from stages.console.scanner_files import read_scanner_files
from stages.console.sources import open_sources
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.standalone_host import StandaloneHost
from stages.scanners.captured_output import Line
from stages.scanners.child import Child
from stages.scanners.rechecking import KeptScan, RecheckPlan, RuleRun
from stages.scanners.runner import CannotRun, error_of_end


def recheck(
    context: Context, scan: CompletedScan, rules: Sequence[RuleResult], fix: str | None = None
) -> Recheck:
    """Evaluate the rules, keep the result in the spool, and return it. Raises CommandError."""
    plan_recheck = scan.spec.plan_recheck
    if plan_recheck is None:
        raise CommandError(
            f"{scan.spec.title} can't evaluate single rules: request a scan", Exit.USAGE
        )
    detected = detected_scanner(context, scan.spec)
    wanted = [rule.rule_ref for rule in rules]
    with tempfile.TemporaryDirectory(prefix="compliance-agent-recheck.") as directory:
        kept = KeptScan(scan.manifest, context.spool.raw)
        plan = plan_recheck(context.settings, detected, kept, wanted, Path(directory))
        if isinstance(plan, CannotRun):
            raise CommandError(plan.reason, Exit.NO)
        after = _evaluated(plan)
    found = Recheck(
        scan_id=scan.scan_id,
        at=datetime.now(UTC),
        fix=fix,
        rules=tuple(_compared(rule, after.get(rule.rule_ref)) for rule in rules),
        warnings=plan.warnings,
    )
    _keep(context, found)
    return found


def _evaluated(plan: RecheckPlan) -> dict[str, RuleResult]:
    """The results of all runs, by rule. Raises CommandError."""
    results: dict[str, RuleResult] = {}
    for run in plan.runs:
        for result in _report(plan.program, run).results:
            results[result.rule_ref] = result
    return results


def _report(program: str, run: RuleRun) -> Report:
    child = Child(StandaloneHost(), run.directory, run, _ignore)
    try:
        end = child.run(run.command, lambda _: None, lambda: None)
    except OSError as error:
        raise CommandError(f"{program} can't be started: {error.strerror}", Exit.NO) from error
    error_text = error_of_end(program, end, run.expected)
    if error_text is not None:
        raise CommandError(error_text, Exit.NO)
    files = [file for file in run.files if file.exists()]
    with open_sources(files, MAX_BYTES) as sources:
        return read_scanner_files(sources, None)[0]


def _ignore(_line: Line) -> None:
    """Progress of a re-check is not shown: it takes seconds."""


def _compared(before: RuleResult, after: RuleResult | None) -> RecheckedRule:
    compared = RecheckedRule(
        rule_ref=before.rule_ref, title=before.title, before=own_status(before)
    )
    if after is None:
        return compared
    finding = after.finding
    if after.status == "pass":
        finding = None
    return replace(compared, after=after.status, finding=finding)


def _keep(context: Context, found: Recheck) -> None:
    with command_writer.writing(context) as spool:
        spool.fixes.rechecks.write(new_command_id(found.at), found)
        kept_scans = [*spool.raw.scan_ids(), *spool.reports.ids(), *spool.receipts.ids()]
        spool.fixes.prune_rechecks(kept_scans)
