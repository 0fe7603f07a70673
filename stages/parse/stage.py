"""The parse stage: every raw entry becomes a report, also one that can't be read.

The same raw entry with the same parser and settings gives the same bytes. An entry that kills its
reader is tried three times in all, then it has a failed report with the reason.
"""

from contextlib import suppress

from schemas import codec
from schemas.event import Event
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.report import Report
from spool.errors import (
    EntryDamagedError,
    EntryTooLargeError,
    EntryUnreadableError,
    NewerFormatError,
    SpoolError,
    StorageError,
)
from stages.parse import counted_call
from stages.parse.counted_call import ReaderDiedError
from stages.parse.imports import Imports
from stages.parse.read_task import READ_ENTRY, ReadTask
from stages.runtime import maintenance
from stages.runtime.fair_order import FairOrder
from stages.runtime.host_name import host_name
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerStoppedError
from stages.scanners import failed_reports, registry
from stages.scanners.settings import settings_to_plain

_LIMIT_S = 600.0
_MOST_IN_A_PASS = 50
_BEFORE_A_REPORT = frozenset({"ScanStarted", "ScanFinished"})


class ParseStage:
    """What the parse stage does."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._state_store = process.state_store
        self._worker = Worker(process, READ_ENTRY)
        self._imports = Imports(process)
        self._order = FairOrder()
        self._immovable: set[ScanId] = set()
        """Reports that are to be parsed again and can't be moved away."""

    def run_once(self) -> None:
        self._replay()
        self._imports.take_in()
        for _ in range(_MOST_IN_A_PASS):
            scan_id = self._next()
            if scan_id is None or self._process.stopping:
                return
            self._parse(scan_id)
            self._process.alive()
        # The main loop gets its turn, then the rest.
        self._process.wake()

    def timeout_s(self) -> float:
        return float("inf")

    def on_event(self, event: Event) -> None:
        """Start the reader when its work is near: its imports then take no part of the latency."""
        if event.name in _BEFORE_A_REPORT:
            # Where it can't be started now, it is started for the work.
            with suppress(SpoolError):
                self._worker.start()

    def reloaded(self) -> None:
        """New settings apply from the next report on."""

    def close(self) -> None:
        self._worker.stop()
        self._imports.close()

    def _next(self) -> ScanId | None:
        """The raw entry to read now."""
        pending = self._spool.pending("parse")
        waiting = [i for i in pending if not self._process.is_set_aside(i)]
        return self._order.next(waiting, self._spool.commands.requests.ids())

    def _replay(self) -> None:
        for command_id, replay in maintenance.replays(self._spool, "parse"):
            # Without a raw entry, taken in by an import for instance, there is nothing to parse.
            scan_ids = set(replay.scan_ids).intersection(self._spool.raw.scan_ids())
            archived = maintenance.archive_replayed(
                self._spool.reports,
                "report",
                command_id,
                sorted(scan_ids),
                self._process.alive,
                self._not_archived,
            )
            for scan_id in archived:
                self._process.log.info(
                    "report archived, the raw entry is parsed again", scan_id=scan_id
                )

    def _not_archived(self, scan_id: ScanId, error: StorageError) -> None:
        """It is tried at every check for work, and logged once."""
        if scan_id in self._immovable:
            return
        self._immovable.add(scan_id)
        self._process.log.error(
            "report can't be archived, so it is not parsed again; the other work goes on",
            scan_id=scan_id,
            reason=error.why,
            action=maintenance.FREE_THE_NAME,
        )

    def _parse(self, scan_id: ScanId) -> None:
        damage: str | None = None
        has_failed_before = False
        try:
            manifest = self._spool.raw.manifest(scan_id)
            # The scan stage has logged that.
            has_failed_before = manifest.outcome == "failed"
            report = self._report(manifest)
        except NewerFormatError as error:
            self._process.report_newer(scan_id, error)
            return
        except EntryUnreadableError as error:
            self._process.set_aside.failed(scan_id, error)
            return
        except EntryDamagedError as error:
            damage = str(error)
            report = failed_reports.damaged(scan_id, damage)
        except WorkerStoppedError:
            self._state_store.end(scan_id)
            return
        try:
            self._spool.reports.write(report)
        except EntryTooLargeError as error:
            report = failed_reports.unreadable(self._spool.raw.manifest(scan_id), str(error))
            self._spool.reports.write(report)
        self._state_store.end(scan_id)
        self._process.set_aside.worked(scan_id)
        if damage:
            self._state_store.mark_damaged(scan_id, damage)
        self._log(scan_id, report, is_new_failure=not has_failed_before)
        self._process.publish(Event(name="ReportWritten", scan_id=scan_id, result=report.status))

    def _report(self, manifest: Manifest) -> Report:
        """Read the entry in a worker process, where a hostile one can only harm itself. Raises
        NewerFormatError, EntryDamagedError, EntryUnreadableError, StorageError.
        """
        scan_id = manifest.scan_id
        registry.get_for_entry(manifest.scanner)
        without_results = failed_reports.if_nothing_to_read(manifest)
        if without_results is not None:
            return without_results
        task = ReadTask(
            spool=str(self._spool.root),
            scan_id=scan_id,
            settings=settings_to_plain(self._process.settings),
            host=host_name(),
        )
        try:
            answer = counted_call.call(
                self._process,
                self._worker,
                codec.encode(task),
                _LIMIT_S,
                entry_id=scan_id,
                id_name="scan_id",
            )
        except ReaderDiedError as error:
            return failed_reports.unreadable(manifest, f"{error}; the raw entry is kept")
        return codec.decode(answer, Report)

    def _log(self, scan_id: ScanId, report: Report, *, is_new_failure: bool) -> None:
        score = None
        if report.status == "completed":
            score = report.summary.score
        self._process.log.outcome(
            "report written",
            is_bad=report.status == "failed" and is_new_failure,
            scan_id=scan_id,
            status=report.status,
            rules=report.summary.total_rules,
            passed=report.summary.passed,
            failed=report.summary.failed,
            score=score,
            reason=report.error,
        )
