"""One run of a scanner, from its plan to the manifest of what came of it."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from schemas.codec import replace
from schemas.event import Event, EventName, short
from schemas.ids import ScanId, scanner_of
from schemas.manifest import AppliedFix, Manifest, Outcome
from schemas.records import Struct
from schemas.request import FailureCause, Reason
from spool.errors import SpoolError, is_of_the_machine, of_the_machine
from spool.raw import Output
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.scan import free_space
from stages.scanners.captured_output import Line
from stages.scanners.child import Cause, Child, ChildLimits, End, EndedBy
from stages.scanners.runner import CannotRun, Plan, Runner, Verdict, cause_of_end

_CLOCK_SLACK = timedelta(seconds=60)
_NO_RESULT = frozenset({Cause.STOPPING, Cause.DISK_FULL})
"""Reasons that are not the scan's fault: it stays pending."""
_STOPPING = EndedBy(Cause.STOPPING, "was ended because the agent is stopping")
_DISK_FULL = EndedBy(Cause.DISK_FULL, "was ended because the disk is full")


class FinishedRun(Struct, frozen=True):
    """A run that has a result: its manifest, and the files that go with it."""

    manifest: Manifest
    outputs: tuple[Output, ...]


class Run:
    """A run in progress. Publishes an event for every rule that was evaluated."""

    def __init__(
        self, process: Process, scan_id: ScanId, runner: Runner, plan: Plan, draft: Path
    ) -> None:
        self._process = process
        self._scan_id = scan_id
        self._runner = runner
        self._plan = plan
        self._draft = draft
        self._done = 0
        self._not_run: CannotRun | None = None

    def carry_out(
        self,
        reason: Reason,
        started: Callable[[int], None],
        cancelled: Callable[[], EndedBy | None],
    ) -> FinishedRun | None:
        """Run to the end; None where the scan must be repeated, because the agent stops or the disk
        is full.

        Raises MachineError where the machine does not allow a scanner now.
        """
        at, ticks = self._process.now(), time.monotonic()
        self._process.log.info(
            "scan started",
            scan_id=self._scan_id,
            profile=self._plan.profile_title,
            source=reason.source,
        )
        self._publish("ScanStarted")
        try:
            end = self._run(started, cancelled)
        except OSError as error:
            if is_of_the_machine(error) and not free_space.means_full(error):
                raise of_the_machine("the scanner can't be run", error) from error
            end = End(None, None, _why_not_started(error), "")
        finally:
            self._runner.clean_up(self._scan_id)
        if end.cause in _NO_RESULT:
            return None
        took = timedelta(seconds=time.monotonic() - ticks)
        try:
            finished = self._finished(end, reason, at, at + took)
        except OSError as error:
            if free_space.means_full(error):
                return None
            if is_of_the_machine(error):
                raise of_the_machine("the scanner's output can't be read", error) from error
            raise
        # A scanner that can't write fails in many ways, and seldom with the error of a full disk.
        # While the disk takes no small file, a failure is not taken for the scan's own.
        has_failed = finished.manifest.outcome == "failed"
        if has_failed and free_space.refused(self._draft) is not None:
            return None
        return finished

    def _finished(self, end: End, reason: Reason, at: datetime, until: datetime) -> FinishedRun:
        verdict = self._runner.judge(end, self._draft)
        error, cause = self._failure(verdict, end)
        plan = self._plan
        clock_warnings = _clock_jumped(until, self._process.now())
        manifest = Manifest(
            scan_id=self._scan_id,
            scanner=scanner_of(self._scan_id),
            outcome=_outcome(end, error),
            error=error,
            cause=cause,
            profile_id=plan.profile_id,
            profile_title=plan.profile_title,
            reasons=(reason,),
            command=plan.command,
            exit_code=end.exit_code,
            signal=end.signal,
            scanner_version=plan.scanner_version,
            content=plan.content,
            tailoring=plan.tailoring,
            not_searched=plan.not_searched,
            started_at=at,
            completed_at=until,
            warnings=(*plan.warnings, *verdict.warnings, *clock_warnings),
            fixes=self._fixes(),
            agent_version=AGENT_VERSION,
        )
        return FinishedRun(manifest, verdict.outputs)

    def _failure(self, verdict: Verdict, end: End) -> tuple[str | None, FailureCause | None]:
        """Why the scan failed or was cancelled; None where it did not."""
        if self._not_run is not None:
            return self._not_run.reason, self._not_run.cause
        if verdict.error is None:
            return None, None
        error = _without_secrets(verdict.error)
        if end.cause is Cause.CANCELLED:
            return error, None
        return error, cause_of_end(end)

    def _fixes(self) -> tuple[AppliedFix, ...]:
        """None where they can't be read: the scan counts all the same."""
        try:
            return self._process.spool.fixes.in_force()
        except SpoolError as error:
            self._process.log.warning("the fixes of this host can't be read", reason=str(error))
            return ()

    def _run(self, started: Callable[[int], None], cancelled: Callable[[], EndedBy | None]) -> End:
        def why_end() -> EndedBy | None:
            if self._process.stopping:
                return _STOPPING
            if free_space.is_full(self._draft):
                return _DISK_FULL
            return cancelled()

        def run(command: tuple[str, ...], limits: ChildLimits) -> End:
            place = replace(self._plan, limits=limits)
            child = Child(self._process, self._draft, place, self._on_line)
            return child.run(command, started, why_end)

        limits = self._plan.limits
        if self._plan.prepare:
            prepare_time_s = self._plan.prepare_time_s or limits.time_s
            end = run(self._plan.prepare, replace(limits, time_s=prepare_time_s))
            # Only what still holds ends the run as well: the scan is cancelled, the disk is full.
            # A preparation that took too long is the runner's matter: it may go on without.
            if end.ended_by and why_end():
                return end
            plan = self._runner.prepared(end, self._plan)
            if isinstance(plan, CannotRun):
                self._not_run = plan
                return end
            self._plan, self._done = plan, 0
        end = run(self._plan.command, limits)
        other = self._runner.again(end, self._plan)
        if other:
            self._plan, self._done = other, 0
            end = run(other.command, limits)
        return end

    def _on_line(self, line: Line) -> None:
        progress = self._runner.progress(line)
        if progress:
            self._done += 1
            self._publish("RuleEvaluated", rule=short(progress.rule), result=progress.result)

    def _publish(self, name: EventName, rule: str | None = None, result: str | None = None) -> None:
        self._process.publish(
            Event(
                name=name,
                scan_id=self._scan_id,
                profile=short(self._plan.profile_title),
                rule=rule,
                result=result,
                done=self._done,
                total=self._plan.total_rules,
            )
        )


def _why_not_started(error: OSError) -> EndedBy:
    if free_space.means_full(error):
        return _DISK_FULL
    return EndedBy(Cause.NOT_STARTED, f"can't be started: {error.strerror}")


def _without_secrets(error: str) -> str:
    """The reason may be a line that the scanner printed."""
    # Loaded here: most scans do not fail, and the patterns take memory.
    from stages.scanners.secrets import masked

    return masked(error)


def _outcome(end: End, error: str | None) -> Outcome:
    if end.cause is Cause.CANCELLED:
        return "cancelled"
    if error:
        return "failed"
    return "finished"


def _clock_jumped(expected: datetime, now: datetime) -> tuple[str, ...]:
    if abs(now - expected) <= _CLOCK_SLACK:
        return ()
    jump = (now - expected).total_seconds()
    return (
        (
            f"the clock jumped by {jump:.0f} s while the scan ran: its times are counted from its "
            "start"
        ),
    )
