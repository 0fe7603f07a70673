"""The scan stage: one scan at a time, and every request gets a raw entry, also a bad one.

A scan is never retried by itself. Only a crash of this process is survived: a scan found begun is tried once more,
then it fails. Requests for the same scanner and profile that arrive before a run ends are answered by that run.
"""

import signal
import time
from contextlib import suppress

from schemas.codec import replace
from schemas.event import Event
from schemas.ids import ScanId, Scanner, scanner_of
from schemas.manifest import Manifest, Outcome
from schemas.records import Record
from schemas.request import Reason, Request
from spool.errors import EntryDamagedError, EntryMissingError, SpoolError
from spool.layout import entry_name
from spool.raw import Output
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.scan import execution, free_space
from stages.scan.scan_queue import Queue
from stages.scanners.child import end_group
from stages.scanners.detection import Detector, this_platform
from stages.scanners.docker_bench import docker
from stages.scanners.docker_bench.docker_arguments import SPOOL_LABEL
from stages.scanners.docker_bench.run import DockerBench
from stages.scanners.openscap.run import OpenSCAP
from stages.scanners.registry import SCANNERS
from stages.scanners.runner import CannotRun, Plan, Runner

_TRIES = 2
RUNNING = "running"
_NO_END = (
    f"the scan was begun {_TRIES} times and came to no end: it ended the agent (see the system's log for memory or "
    "crashes), or filled the disk (free some space)"
)
_CONTAINERS_EVERY_S = 300.0


class LowSpaceError(SpoolError):
    """Too little room for a scan; it waits."""


class Running(Record, frozen=True, kw_only=True):
    """The scan at hand, in the stage's notes: by it a crash's leftovers are found."""

    scan_id: ScanId
    pid: int
    start_ticks: int


class ScanStage:
    """The worker of the scan stage."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._state_store = process.state_store
        self._queue = Queue(process.spool)
        self._detector = Detector(process)
        self._recover()
        self._containers_due = 0.0
        self._detection_wanted = False

    def run_once(self) -> None:
        wanted, self._detection_wanted = self._detection_wanted, False
        self._detector.refresh(now=wanted)
        if time.monotonic() >= self._containers_due:
            self._containers_due = time.monotonic() + _CONTAINERS_EVERY_S
            self._remove_left_containers()
        while not self._process.stopping and (waiting := self._queue.waiting()):
            # What is cancelled needs no scanner and no room: it waits for nobody.
            self._handle(min(waiting, key=lambda scan_id: self._queue.cancelled(scan_id) is None))
            # A scan takes minutes: packages may have changed meanwhile.
            self._detector.refresh()

    def timeout_s(self) -> float:
        return self._detector.due_in_s()

    def on_event(self, event: Event) -> None:
        """A ring is enough to look, but for one: a daemon comes and goes without a trace in the file system."""
        self._detection_wanted |= event.name == "DetectionWanted"

    def reloaded(self) -> None:
        self._containers_due = 0.0
        self._detector.refresh(now=True)

    def verify(self, name: str) -> object:
        manifest = self._spool.raw.manifest(ScanId(name))
        for file in manifest.files:
            self._spool.raw.open_file(manifest.scan_id, file).close()
        return manifest

    def close(self) -> None:
        """No scanner outlives a run, and no run outlives `look`."""

    def _handle(self, scan_id: ScanId) -> None:
        try:
            request = self._queue.read(scan_id)
        except EntryDamagedError as error:
            self._conclude(
                scan_id, "failed", f"the request is damaged: {error}; ask for the scan again", ()
            )
            self._state_store.mark_damaged(entry_name(scan_id, "request"), str(error))
            return
        if cancelled := self._queue.cancelled(scan_id):
            self._conclude(scan_id, "cancelled", _who_cancelled(cancelled), (request.reason,))
        elif refusal := self._refusal(request):
            self._conclude(scan_id, "failed", refusal, (request.reason,))
        else:
            self._check_room()
            if begun := self._state_store.start_attempt(scan_id):
                # What a crash left: a container by the scan's name would be in the way.
                self._runner(request.scanner).clean_up(scan_id)
            if begun < _TRIES:
                self._scan(scan_id, request)
            else:
                self._conclude(scan_id, "failed", _NO_END, (request.reason,))

    def _scan(self, scan_id: ScanId, request: Request) -> None:
        runner = self._runner(request.scanner)
        draft = self._spool.raw.draft(scan_id)
        plan = runner.plan(request, draft)
        if isinstance(plan, CannotRun):
            self._conclude(
                scan_id, "failed", plan.reason, (request.reason,), warnings=plan.warnings
            )
            return
        ran = execution.Run(self._process, scan_id, runner, plan, draft).carry_out(
            request.reason,
            lambda pid: self._note_running(scan_id, pid),
            lambda: self._unwanted(scan_id),
        )
        if ran is None:
            self._put_off(scan_id)
            return
        # A run that was ended at someone's wish answers nobody else: whoever asked meanwhile still wants a scan.
        merged = [] if ran.manifest.outcome == "cancelled" else self._merged(scan_id, runner, plan)
        reasons = (request.reason, *(other.reason for other in merged))
        manifest = replace(
            ran.manifest, reasons=reasons, answers=tuple(other.scan_id for other in merged)
        )
        self._publish(manifest, ran.outputs)
        self._publish_merged(manifest)
        self._state_store.forget(RUNNING)

    def _put_off(self, scan_id: ScanId) -> None:
        """The scan stays pending. One that fills the disk counts as a try: it is not begun for ever."""
        self._spool.raw.discard(scan_id)
        if not self._process.stopping:
            raise LowSpaceError(
                f"{self._spool.root}: the disk became full in a scan: free some space; scans wait"
            )
        self._process.log.info("scan put off, the agent is stopping", scan_id=scan_id)
        self._state_store.end(scan_id)

    def _merged(self, scan_id: ScanId, runner: Runner, plan: Plan) -> list[Request]:
        """The other requests that the run has answered."""
        found: list[Request] = []
        for other in self._queue.waiting():
            if (
                other == scan_id
                or scanner_of(other) != scanner_of(scan_id)
                or self._queue.cancelled(other)
            ):
                continue
            try:
                request = self._queue.read(other)
            except (EntryDamagedError, EntryMissingError):
                continue
            if request.remediate or request.refusal:
                continue
            if runner.same_profile(request.profile) == plan.profile_id:
                found.append(request)
        return found

    def _publish_merged(self, answer: Manifest) -> None:
        """Give the requests that a run answers their own entries; those that have one keep it."""
        waiting = set(self._queue.waiting())
        for scan_id in answer.answers:
            if scan_id in waiting:
                message = f"answered by {answer.scan_id}, the same scanner and profile"
                self._conclude(
                    scan_id,
                    "merged",
                    message,
                    (),
                    answered_by=answer.scan_id,
                    warnings=answer.warnings,
                )

    def _conclude(
        self,
        scan_id: ScanId,
        outcome: Outcome,
        message: str,
        reasons: tuple[Reason, ...],
        answered_by: ScanId | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        """The end of a request for which no scanner ran."""
        now = self._process.now()
        profile_id, profile_title = self._asked_profile(scan_id)
        self._spool.raw.discard(scan_id)
        self._publish(
            Manifest(
                scan_id=scan_id,
                scanner=scanner_of(scan_id),
                outcome=outcome,
                profile_id=profile_id,
                profile_title=profile_title,
                error=message,
                answered_by=answered_by,
                reasons=reasons,
                warnings=warnings,
                started_at=now,
                completed_at=now,
                agent_version=AGENT_VERSION,
            )
        )

    def _asked_profile(self, scan_id: ScanId) -> tuple[str | None, str | None]:
        """What the scan would have been of, by id and title: a server files it there."""
        try:
            request = self._spool.requests.read(scan_id, "request", Request)
        except (EntryDamagedError, EntryMissingError):
            return None, None
        # The profile of a request that could not be read is not known.
        if request.refusal or request.scanner not in SCANNERS:
            return None, None
        return self._runner(request.scanner).named(request.profile)

    def _publish(self, manifest: Manifest, outputs: tuple[Output, ...] = ()) -> None:
        try:
            self._spool.raw.publish(manifest, outputs)
        except SpoolError:
            # What the scanner wrote must not hold the room that the next try needs.
            self._spool.raw.discard(manifest.scan_id)
            raise
        self._state_store.end(manifest.scan_id)
        tell = self._process.log.error if manifest.outcome == "failed" else self._process.log.info
        tell(
            f"scan {manifest.outcome}",
            scan_id=manifest.scan_id,
            exit=manifest.exit_code,
            why=manifest.error,
        )
        message = (manifest.error or "")[:512] or None
        self._process.publish(
            Event(
                name="ScanFinished",
                scan_id=manifest.scan_id,
                result=manifest.outcome,
                message=message,
            )
        )

    def _refusal(self, request: Request) -> str | None:
        compliance = self._process.settings.compliance
        if request.refusal:
            return request.refusal
        if request.scanner not in SCANNERS:
            return f"this version has no scanner {request.scanner}"
        if not compliance.enabled:
            return "scans are switched off: set compliance.enabled: true"
        if request.scanner == "openscap" and not compliance.openscap.enabled:
            return "OpenSCAP scans are switched off: set compliance.openscap.enabled: true"
        if request.scanner == "docker-bench" and not compliance.docker_bench.enabled:
            return "Docker Bench scans are switched off: set compliance.docker_bench.enabled: true"
        if request.remediate and not compliance.server_commands.allow_remediation:
            return "remediation changes this host: allow it by compliance.server_commands.allow_remediation"
        return None

    def _runner(self, scanner: Scanner) -> Runner:
        compliance = self._process.settings.compliance
        if scanner == "docker-bench":
            return DockerBench(compliance.docker_bench, this_platform())
        return OpenSCAP(compliance.openscap, self._detector.detected, self._detector.rule_count)

    def _remove_left_containers(self) -> None:
        """Containers outlive a killed agent: they are outside its control group. Again later if the daemon is away."""
        client = docker.client(self._process.settings.compliance.docker_bench.socket)
        if client is None or docker.why_not_reachable(client.socket):
            return
        for container, scan_id in client.containers(SPOOL_LABEL, self._spool.raw.path):
            self._process.log.warning("removing a container that a crash left", scan_id=scan_id)
            if trouble := client.remove(container).trouble:
                self._process.log.warning(
                    "the container stays for now", scan_id=scan_id, why=trouble
                )

    def _unwanted(self, scan_id: ScanId) -> str | None:
        reason = self._queue.cancelled(scan_id)
        return _who_cancelled(reason) if reason else None

    def _check_room(self) -> None:
        if why := free_space.why_none(self._spool.root, self._process.settings.spool.min_free_mib):
            raise LowSpaceError(why)

    def _note_running(self, scan_id: ScanId, pid: int) -> None:
        self._state_store.write(
            RUNNING, Running(scan_id=scan_id, pid=pid, start_ticks=execution.start_ticks(pid) or 0)
        )

    def _recover(self) -> None:
        """After a crash: end the scanner that was left, and finish what a finished run has answered."""
        running = self._state_store.read(RUNNING, Running)
        if running is None:
            return
        if execution.start_ticks(running.pid) == running.start_ticks:
            self._process.log.warning(
                "ending a scanner that a crash left running", scan_id=running.scan_id
            )
            end_group(running.pid, signal.SIGKILL)
        with suppress(EntryMissingError, EntryDamagedError):
            self._publish_merged(self._spool.raw.manifest(running.scan_id))
        self._state_store.forget(RUNNING)


def _who_cancelled(reason: Reason) -> str:
    detail = f": {' '.join(reason.detail.split())}" if reason.detail else ""
    return f"{execution.CANCELLED} by the {reason.source}{detail}"
