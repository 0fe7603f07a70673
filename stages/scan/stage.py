"""The scan stage: one scan at a time, and every request gets a raw entry, also a bad one.

A scan is never retried by itself. Only a crash of this process is survived: a scan that was in
progress is tried once more, then it fails. Requests for the same scanner and profile that arrive
before a run ends are answered by that run.
"""

import time
from contextlib import suppress
from pathlib import Path

from schemas.codec import replace
from schemas.event import Event
from schemas.ids import ScanId, scanner_of
from schemas.request import Refusal, Request
from spool.errors import (
    EntryDamagedError,
    EntryError,
    EntryUnreadableError,
    MachineError,
    NewerFormatError,
    is_of_the_machine,
    of_the_machine,
)
from spool.layout import entry_name
from stages.runtime.allowance import Allowance
from stages.runtime.process import Process
from stages.scan import execution, free_space
from stages.scan.leftovers import end_scanners, remove_leftovers
from stages.scan.raw_entries import RawEntries
from stages.scan.running import STATE as RUNNING
from stages.scan.running import Running, start_ticks
from stages.scan.scan_queue import ScanQueue
from stages.scan.submissions import Submissions
from stages.scanners import readiness, registry
from stages.scanners.child import Cause, EndedBy
from stages.scanners.detection import Detector
from stages.scanners.runner import CannotRun, Runner
from stages.scanners.spec import ScannerSpec

_ATTEMPTS = 2
_MOST_IN_A_PASS = 50
_LONGEST_PASS_S = 5.0
"""After that no further request is taken: new settings are for it."""
_NO_END = (
    f"the scan was started {_ATTEMPTS} times and never ended: it killed the agent (see the "
    "system's log for memory or crashes), or filled the disk (free some space)"
)
_LEFTOVERS_EVERY_S = 300.0
_DETECT_EVERY_S = 30.0


class ScanStage:
    """The handler of the scan stage."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._state_store = process.state_store
        self._queue = ScanQueue(process.spool, process.is_set_aside)
        self._detector = Detector(process)
        self._raw_entries = RawEntries(process, self._runner)
        self._submissions = Submissions(process, self._raw_entries)
        self._recover()
        self._leftovers_due = 0.0
        self._detection_wanted = False
        self._detections = Allowance(1, _DETECT_EVERY_S)
        self._not_its_fault: ScanId | None = None
        """The scan whose last attempt the machine did not allow; that attempt does not count."""

    def run_once(self) -> None:
        self._detect()
        if time.monotonic() >= self._leftovers_due:
            self._leftovers_due = time.monotonic() + _LEFTOVERS_EVERY_S
            self._remove_leftovers()
        end = time.monotonic() + _LONGEST_PASS_S
        for _ in range(_MOST_IN_A_PASS):
            if self._process.stopping:
                return
            low_space = self._submissions.take_in()
            scan_id = self._queue.next()
            if scan_id is None:
                if low_space is not None:
                    raise low_space
                return
            self._handle(scan_id)
            self._process.alive()
            # A scan takes minutes: packages may have changed meanwhile.
            self._detector.refresh()
            if time.monotonic() >= end:
                break
        # The main loop gets its turn, then the rest.
        self._process.wake()

    def timeout_s(self) -> float:
        due_in_s = self._detector.due_in_s()
        if self._detection_wanted:
            return min(due_in_s, self._detections.due_in_s())
        return due_in_s

    def on_event(self, event: Event) -> None:
        """Every event means "check for work". `DetectionWanted` also asks for a detection: a daemon
        such as Docker's starts and stops without a change in the files that detection follows.
        """
        if event.name == "DetectionWanted":
            self._detection_wanted = True

    def _detect(self) -> None:
        """Any stage can send the event, so it leads to one detection every 30 seconds at most."""
        is_wanted = self._detection_wanted and self._detections.take()
        if is_wanted:
            self._detection_wanted = False
        self._detector.refresh(now=is_wanted)

    def reloaded(self) -> None:
        self._leftovers_due = 0.0
        self._detector.refresh(now=True)

    def close(self) -> None:
        """Nothing to close: no scanner outlives its run, and no run outlives `run_once`."""

    def _handle(self, scan_id: ScanId) -> None:
        """Give a request its raw entry, with or without a run."""
        request = self._read_request(scan_id)
        if request is None:
            return
        try:
            spec = registry.get_for_entry(request.scanner)
        except NewerFormatError as error:
            self._process.report_newer(entry_name(scan_id, "request"), error)
            return
        cancelled = self._cancelled(scan_id)
        if cancelled:
            self._raw_entries.conclude(scan_id, "cancelled", cancelled.message, (request.reason,))
            return
        refusal = self._refusal(request, spec)
        if refusal:
            self._raw_entries.conclude(
                scan_id, "failed", refusal.reason, (request.reason,), refusal.cause
            )
            return
        free_space.require(self._spool.raw.path, self._process.settings.spool.min_free_mib)
        if scan_id == self._not_its_fault:
            self._state_store.end(scan_id)
            self._not_its_fault = None
        # Where it can't be made nothing is started, so that is not an attempt.
        draft = self._spool.raw.draft(scan_id)
        attempts = self._state_store.start_attempt(scan_id)
        if attempts:
            # A crash may have left a container with this scan's name.
            self._runner(spec).clean_up(scan_id)
        if attempts >= _ATTEMPTS:
            self._raw_entries.conclude(scan_id, "failed", _NO_END, (request.reason,), "never-ended")
            return
        try:
            self._scan(scan_id, request, spec, draft)
        except MachineError:
            self._not_its_fault = scan_id
            raise

    def _read_request(self, scan_id: ScanId) -> Request | None:
        """The request; None where it can't be read: a damaged one is a failed scan."""
        name = entry_name(scan_id, "request")
        try:
            request = self._spool.requests.read(scan_id)
        except NewerFormatError as error:
            self._process.report_newer(name, error)
        except EntryUnreadableError as error:
            self._process.set_aside.failed(name, error)
        except EntryDamagedError as error:
            self._process.set_aside.worked(name)
            message = f"the request is damaged: {error}; request the scan again"
            self._raw_entries.conclude(scan_id, "failed", message, (), "damaged")
            self._state_store.mark_damaged(name, str(error))
        else:
            self._process.set_aside.worked(name)
            return request
        return None

    def _scan(self, scan_id: ScanId, request: Request, spec: ScannerSpec, draft: Path) -> None:
        runner = self._runner(spec)
        try:
            plan = runner.plan(request, draft)
        except OSError as error:
            if free_space.means_full(error):
                self._postpone(scan_id)
                return
            if is_of_the_machine(error):
                raise of_the_machine("the scan can't be prepared", error) from error
            raise
        if isinstance(plan, CannotRun):
            self._raw_entries.conclude(
                scan_id,
                "failed",
                plan.reason,
                (request.reason,),
                plan.cause,
                warnings=plan.warnings,
            )
            return
        run = execution.Run(self._process, scan_id, runner, plan, draft)
        finished = run.carry_out(
            request.reason,
            lambda pid: self._record_running(scan_id, pid),
            lambda: self._cancelled(scan_id),
        )
        if finished is None:
            self._postpone(scan_id)
            return
        merged: list[Request] = []
        # A cancelled run answers no other request: those who sent them still want a scan.
        if finished.manifest.outcome != "cancelled":
            merged = self._merged(request, runner)
        manifest = replace(
            finished.manifest,
            reasons=(request.reason, *(other.reason for other in merged)),
            answers=tuple(other.scan_id for other in merged),
        )
        self._raw_entries.publish(manifest, finished.outputs)
        self._raw_entries.publish_merged(manifest, self._queue.waiting())
        # Last: after a crash before it, `_recover` writes the entries that are missing.
        self._state_store.forget(RUNNING)

    def _postpone(self, scan_id: ScanId) -> None:
        """The scan stays pending.

        A scan that filled the disk keeps its attempt, so it is not started forever, and waits for
        free space. One that was interrupted because the agent stops does not count.
        """
        self._spool.raw.discard(scan_id)
        if not self._process.stopping:
            raise free_space.LowSpaceError(
                f"{self._spool.raw.path}: a scan filled the disk: free some space, or "
                "raise the quota; scans wait"
            )
        self._process.log.info("scan postponed, the agent is stopping", scan_id=scan_id)
        self._state_store.end(scan_id)

    def _merged(self, request: Request, runner: Runner) -> list[Request]:
        """The other requests that this run answers."""
        answered = self._queue.answered_early()
        if request.scan_id in answered:
            return []
        left_out = {request.scan_id, *self._queue.cancellations()}
        found: list[Request] = []
        for other in self._queue.waiting():
            if other in left_out or scanner_of(other) != request.scanner:
                continue
            try:
                other_request = self._spool.requests.read(other)
            except EntryError:
                continue
            if other_request.fetch_remote or other_request.refusal:
                continue
            if runner.is_same_scan(request, other_request):
                found.append(other_request)
        return found

    def _refusal(self, request: Request, spec: ScannerSpec) -> Refusal | None:
        """Why the settings do not allow this scan."""
        if request.refusal:
            return request.refusal
        refused = readiness.refusal(spec, self._process.settings)
        if refused:
            return Refusal(reason=refused.reason, cause="switched-off")
        return None

    def _runner(self, spec: ScannerSpec) -> Runner:
        return spec.runner(self._process.settings, self._detector.detected.scanners.get(spec.key))

    def _remove_leftovers(self) -> None:
        for spec in registry.scanners():
            remove_leftovers(self._runner(spec), self._spool.raw.path, self._process.log)

    def _cancelled(self, scan_id: ScanId) -> EndedBy | None:
        reason = self._queue.cancelled(scan_id)
        if reason is None:
            return None
        message = f"cancelled by the {reason.source}"
        if reason.detail:
            message = f"{message}: {' '.join(reason.detail.split())}"
        return EndedBy(Cause.CANCELLED, message)

    def _record_running(self, scan_id: ScanId, pid: int) -> None:
        running = Running(scan_id=scan_id, pid=pid, start_ticks=start_ticks(pid) or 0)
        self._state_store.write(RUNNING, running)

    def _recover(self) -> None:
        """After a crash: end the scanner that still runs, and answer the other requests of a run
        that was finished.
        """
        end_scanners(self._spool.raw.path, self._process.log)
        running = self._state_store.read(RUNNING, Running)
        if running is None:
            return
        with suppress(EntryError):
            manifest = self._spool.raw.manifest(running.scan_id)
            self._raw_entries.publish_merged(manifest, self._queue.waiting())
        self._state_store.forget(RUNNING)
