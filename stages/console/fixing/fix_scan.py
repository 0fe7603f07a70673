"""A fix from the copy of the files to the re-check, and its record in the spool."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from schemas.fixes import FixRun, Recheck
from schemas.records import Struct
from schemas.request import Reason
from spool.layout import new_command_id
from stages.console import command_writer
from stages.console.context import Context
from stages.console.fixing.completed_scan import CompletedScan
from stages.console.fixing.fix_directory import fix_directory, new_directory
from stages.console.fixing.fix_plan import PlannedFix, runnable
from stages.console.fixing.fix_run import ScriptEnds, outcomes, run_scripts
from stages.console.fixing.recheck_rules import recheck
from stages.runtime.command_error import CommandError


class FinishedFix(Struct, frozen=True):
    """What came of a fix."""

    id: str
    run: FixRun
    recheck: Recheck | None


def fix_scan(
    context: Context,
    scan: CompletedScan,
    planned: Sequence[PlannedFix],
    reason: Reason,
    show: Callable[[str], None],
    fix_id: str | None = None,
) -> FinishedFix:
    """Run the scripts, evaluate their rules again, and keep what came of it. Raises
    CommandError."""
    settings = context.settings.compliance.fixes
    at = datetime.now(UTC)
    fix_id = fix_id or new_command_id(at)
    with fix_directory(settings) as parent:
        directory = new_directory(parent, fix_id, settings.keep_last)
        ends = ScriptEnds()
        found: Recheck | None = None
        not_rechecked = "the fix was interrupted"
        nothing_run = "the fix was interrupted before its first script"
        try:
            try:
                run_scripts(planned, settings, directory, ends, show)
            except CommandError as error:
                nothing_run = str(error)
                raise
            try:
                rules = [each.rule for each in runnable(planned)]
                found = recheck(context, scan, rules, fix_id)
            except CommandError as error:
                not_rechecked = str(error)
        finally:
            run = FixRun(
                scan_id=scan.scan_id,
                at=at,
                reason=reason,
                rules=outcomes(planned, ends, found, not_rechecked),
                directory=str(directory),
            )
            if not ends.may_have_run:
                run = FixRun(scan_id=scan.scan_id, at=at, reason=reason, error=nothing_run)
            keep_run(context, fix_id, run)
    return FinishedFix(fix_id, run, found)


def keep_run(context: Context, fix_id: str, run: FixRun) -> None:
    with command_writer.writing(context) as spool:
        spool.fixes.fixes.write(fix_id, run)
        spool.fixes.prune_fixes(set(spool.requests.remediations.ids()))


def directory_of(context: Context, fix_id: str) -> Path:
    return Path(context.settings.compliance.fixes.directory) / fix_id
