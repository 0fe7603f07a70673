"""One run of a scanner, from its plan to the manifest of what came of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from schemas.event import Event
from schemas.ids import ScanId, scanner_of
from schemas.manifest import Manifest, Outcome
from schemas.request import Reason
from spool.raw import Output
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.scan import free_space
from stages.scanners.child import Child, End, Limits
from stages.scanners.runner import CannotRun, Plan, Runner

_CLOCK_SLACK = timedelta(seconds=60)
CANCELLED = "cancelled"
STOPPING = "the agent is stopping"
FULL = "the disk is full"


@dataclass(frozen=True)
class Ran:
    """A run that came to an end of its own kind: its manifest, and the files that go with it."""

    manifest: Manifest
    outputs: tuple[Output, ...]


class Run:
    """A run that is going on. Rings for every rule that was evaluated."""

    def __init__(
        self, process: Process, scan_id: ScanId, runner: Runner, plan: Plan, draft: Path
    ) -> None:
        self._process = process
        self._scan_id = scan_id
        self._runner = runner
        self._plan = plan
        self._draft = draft
        self._done = 0
        self._not_run: str | None = None

    def carry_out(
        self, reason: Reason, started: Callable[[int], None], unwanted: Callable[[], str | None]
    ) -> Ran | None:
        """Run to the end; None where it came to none, because this process is told to stop or the disk is full."""
        at, ticks = self._process.now(), time.monotonic()
        self._process.log.info(
            "scan started",
            scan_id=self._scan_id,
            profile=self._plan.profile_title,
            why=reason.source,
        )
        self._publish("ScanStarted")
        try:
            end = self._run(started, unwanted)
        except OSError as error:
            why = FULL if free_space.means_full(error) else f"can't be started: {error.strerror}"
            end = End(None, None, why, "")
        finally:
            self._runner.clean_up(self._scan_id)
        if end.ended_by in (STOPPING, FULL):
            return None
        verdict = self._runner.judge(end, self._draft)
        plan = self._plan
        took = timedelta(seconds=time.monotonic() - ticks)
        manifest = Manifest(
            scan_id=self._scan_id,
            scanner=scanner_of(self._scan_id),
            outcome=_outcome(self._not_run or verdict.error),
            error=self._not_run or verdict.error,
            profile_id=plan.profile_id,
            profile_title=plan.profile_title,
            reasons=(reason,),
            command=plan.command,
            exit_code=end.exit_code,
            signal=end.signal,
            scanner_version=plan.scanner_version,
            content=plan.content,
            started_at=at,
            completed_at=at + took,
            warnings=(
                *plan.warnings,
                *verdict.warnings,
                *_clock_jumped(at + took, self._process.now()),
            ),
            agent_version=AGENT_VERSION,
        )
        return Ran(manifest, verdict.outputs)

    def _run(self, started: Callable[[int], None], unwanted: Callable[[], str | None]) -> End:
        def why_end() -> str | None:
            if self._process.stopping:
                return STOPPING
            return FULL if free_space.is_full(self._draft) else unwanted()

        def run(command: tuple[str, ...], limits: Limits) -> End:
            place = replace(self._plan, limits=limits)
            return Child(self._process, self._draft, place, self._told).run(
                command, started, why_end
            )

        limits = self._plan.limits
        if self._plan.prepare:
            end = run(
                self._plan.prepare,
                replace(limits, time_s=self._plan.prepare_time_s or limits.time_s),
            )
            if end.ended_by and why_end():
                return end
            after = self._runner.prepared(end, self._plan)
            if isinstance(after, CannotRun):
                self._not_run = after.reason
                return end
            self._plan, self._done = after, 0
        end = run(self._plan.command, limits)
        if other := self._runner.again(end, self._plan):
            self._plan, self._done = other, 0
            end = run(other.command, limits)
        return end

    def _told(self, line: str) -> None:
        progress = self._runner.progress(line)
        if progress:
            self._done += 1
            self._publish("RuleEvaluated", rule=progress.rule[:512], result=progress.result)

    def _publish(self, name: str, rule: str | None = None, result: str | None = None) -> None:
        self._process.publish(
            Event(
                name=name,  # type: ignore[arg-type]
                scan_id=self._scan_id,
                profile=self._plan.profile_title[:512],
                rule=rule,
                result=result,
                done=self._done,
                total=self._plan.total_rules,
            )
        )


def _outcome(error: str | None) -> Outcome:
    if error is None:
        return "finished"
    return "cancelled" if error.startswith(CANCELLED) else "failed"


def _clock_jumped(expected: datetime, now: datetime) -> tuple[str, ...]:
    if abs(now - expected) <= _CLOCK_SLACK:
        return ()
    jump = (now - expected).total_seconds()
    return (
        f"the clock jumped by {jump:.0f} s while the scan ran: its times are counted from its start",
    )


def start_ticks(pid: int) -> int | None:
    """When a process started, in ticks since boot (proc(5), field 22); None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])
