"""`fix --requested`: what the server wants fixed. Run by compliance-agent-remediate.service.

Each request gets an outcome in `fixes/`, also a bad one, and is never carried out twice: a fix that
was interrupted is left to an administrator. After a fix a scan is requested, by which the server
learns the state of the host.

Security: a request names a scan or a rule, nothing else. What is run comes from the results of a
scan of this host, under the same conditions as for an operator.
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

from schemas.codec import replace
from schemas.fixes import FixRun, Remediation
from schemas.ids import ScanId, scanner_of, short_rule_id
from schemas.report import RuleResult
from schemas.request import Reason, Request
from spool.errors import EntryError, NewerFormatError, SpoolError
from spool.layout import command_time
from stages.console import command_writer, follow, scan_states
from stages.console.context import Context
from stages.console.fixing.completed_scan import CompletedScan, completed_scan
from stages.console.fixing.fix_counts import outcome_counts
from stages.console.fixing.fix_plan import PlannedFix, planned_fixes, rules_to_fix, runnable
from stages.console.fixing.fix_scan import directory_of, fix_scan, keep_run
from stages.console.output import show_text
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.scanners import registry

_TOO_OLD = timedelta(days=1)
_MOST_SCANS = 20
_CHECK_EVERY_S = 1.0
_TIME_CHARACTERS = len("20261126T080103Z")


def carry_out_requested(context: Context) -> Exit:
    """Until no request is left. One that has an outcome is removed by the trigger stage."""
    spool = context.existing_spool()
    newer: set[str] = set()
    with ExitStack() as stack:
        doorbell = follow.listen(stack, context.runtime)
        while spool.requests.remediations.ids():
            pending = [i for i in spool.pending_remediations() if i not in newer]
            for command_id in pending:
                try:
                    _carry_out(context, command_id)
                except NewerFormatError as error:
                    newer.add(command_id)
                    show_text(str(error), "yellow")
                command_writer.publish(context, "CommandGiven")
            if not pending:
                # The path unit starts this again for as long as a request is there.
                doorbell.wait(_CHECK_EVERY_S, ())
    return Exit.OK


def _carry_out(context: Context, command_id: str) -> None:
    """Raises NewerFormatError for a request of a later version, which stays where it is."""
    now = datetime.now(UTC)
    try:
        remediation = context.spool.requests.remediations.read(command_id)
    except NewerFormatError:
        raise
    except EntryError as error:
        reason = Reason(source="server", at=now)
        keep_run(context, command_id, FixRun(at=now, reason=reason, error=str(error)))
        return
    try:
        _fix(context, command_id, remediation)
    except (CommandError, SpoolError) as error:
        show_text(f"{command_id}: {error}")
        # A fix that failed while its scripts were prepared or run has kept its own outcome.
        if command_id in context.spool.pending_remediations():
            failed = FixRun(at=now, reason=remediation.reason, error=str(error))
            keep_run(context, command_id, failed)


def _fix(context: Context, command_id: str, remediation: Remediation) -> None:
    """Raises CommandError, SpoolError."""
    _check(context, command_id, remediation)
    if remediation.rule is not None:
        scan, rules = _scan_with(context, remediation.rule)
    else:
        scan = completed_scan(context, _awaited(context, remediation.after))
        rules = rules_to_fix(scan, None, None)
    planned = planned_fixes(context, scan, rules)
    if not runnable(planned):
        raise CommandError("; ".join(_problems(planned)), Exit.NO)
    finished = fix_scan(context, scan, planned, remediation.reason, show_text, command_id)
    show_text(f"{command_id}: {outcome_counts(finished.run.rules)}")
    _request_scan(context, scan, remediation.reason)


def _check(context: Context, command_id: str, remediation: Remediation) -> None:
    """Raises CommandError."""
    if not context.settings.compliance.server_commands.allow_remediation:
        raise CommandError(
            "remediation not allowed: set compliance.server_commands.allow_remediation", Exit.NO
        )
    # With an outcome the request would not be pending: the process was killed in the middle.
    if directory_of(context, command_id).exists():
        raise CommandError(
            f"the fix was interrupted: compliance-agent fix --undo {command_id}", Exit.NO
        )
    now = datetime.now(UTC)
    if abs(now - remediation.reason.at) > _TOO_OLD or not _is_of_this_day(command_id, now):
        raise CommandError("the request is more than a day old: request it again", Exit.NO)


def _is_of_this_day(command_id: str, now: datetime) -> bool:
    """A later id would be that of the last fix for as long as copies are kept: no copy would stay
    beside it, and `fix --undo` would undo it first.
    """
    given_at = command_id[:_TIME_CHARACTERS]
    return command_time(now - _TOO_OLD) <= given_at <= command_time(now + _TOO_OLD)


def _awaited(context: Context, scan_id: ScanId | None) -> ScanId:
    """The scan that the server requested with the fixes, when it has a report. Raises
    CommandError."""
    spool = context.spool
    if scan_id is None or scan_id not in scan_states.snapshot(spool).scan_ids:
        raise CommandError(f"the scan {scan_id} is not there", Exit.NO)
    with ExitStack() as stack:
        doorbell = follow.listen(stack, context.runtime)
        return follow.follow(context, doorbell, scan_id, "report", quiet=True).scan_id


def _scan_with(context: Context, rule: str) -> tuple[CompletedScan, list[RuleResult]]:
    """The newest completed scan with a rule of exactly this id. Raises CommandError."""
    for scan_id in _completed(context):
        try:
            results = context.spool.reports.read(scan_id).results
        except EntryError:
            # `verify` names it; the scans before it may have the rule.
            continue
        for result in results:
            if rule in (result.rule_ref, short_rule_id(result.rule_ref)):
                return completed_scan(context, scan_id), [result]
    raise CommandError(f"no completed scan has the rule {rule}: scan first", Exit.NO)


def _completed(context: Context) -> Iterator[ScanId]:
    """The newest first; of scanners that have fixes."""
    spool = context.spool
    for scan_id in reversed(spool.reports.ids()[-_MOST_SCANS:]):
        spec = registry.find(scanner_of(scan_id))
        if spec is None or spec.read_scripts is None:
            continue
        with suppress(EntryError):
            if spool.reports.header(scan_id).status == "completed":
                yield scan_id


def _problems(planned: list[PlannedFix]) -> Iterator[str]:
    for each in planned:
        yield f"{short_rule_id(each.rule.rule_ref)}: {each.problem}"


def _request_scan(context: Context, scan: CompletedScan, reason: Reason) -> None:
    """The same scan once more."""
    at = command_writer.now()
    scanner = scan.spec.key
    request = Request(
        scan_id=command_writer.new_scan_id(context, scanner, at),
        scanner=scanner,
        profile=scan.manifest.profile_id,
        reason=Reason(
            source=reason.source, at=at, request_id=reason.request_id, detail="after a fix"
        ),
    )
    with suppress(EntryError):
        before = context.spool.requests.read(scan.scan_id)
        request = replace(request, tailoring=before.tailoring, content=before.content)
    with command_writer.giving(context) as commands:
        commands.requests.write(request)
