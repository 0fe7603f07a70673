"""The parse stage: every raw entry becomes a report, also one that can't be read.

The same raw entry with the same parser and settings gives the same bytes. An entry that kills its reader is tried
three times in all, then its report says so.
"""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from schemas import codec
from schemas.event import Event
from schemas.ids import ScanId
from schemas.manifest import Manifest, Role
from schemas.report import Report
from schemas.settings import Settings
from spool.errors import EntryDamagedError
from spool.layout import parse_name
from stages.runtime import maintenance, worker
from stages.runtime.process import Process
from stages.scanners import failed_reports

_TRIES = 3
_LIMIT_S = 600.0


class ParseStage:
    """The worker of the parse stage."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._state_store = process.state_store

    def run_once(self) -> None:
        self._replay()
        for scan_id in self._waiting():
            if self._process.stopping:
                return
            self._parse(scan_id)
            self._process.alive()

    def timeout_s(self) -> float:
        return float("inf")

    def on_event(self, event: Event) -> None:
        """A ring is enough to look; what it says does not matter."""

    def reloaded(self) -> None:
        """New settings count from the next report on."""

    def verify(self, name: str) -> object:
        parsed = parse_name(name)
        return self._spool.reports.read(parsed[0], "report", Report) if parsed else None

    def close(self) -> None:
        """Nothing is open between two reports."""

    def _waiting(self) -> list[ScanId]:
        reported = set(self._spool.reports.ids("report"))
        return [scan_id for scan_id in self._spool.raw.scan_ids() if scan_id not in reported]

    def _replay(self) -> None:
        for command_id, replay in maintenance.replays(self._spool, "parse"):
            for scan_id in maintenance.archive_replayed(
                self._spool.reports, "report", command_id, replay.scan_ids
            ):
                self._process.log.info(
                    "report taken to history, the raw entry is parsed again", scan_id=scan_id
                )

    def _parse(self, scan_id: ScanId) -> None:
        damage: str | None = None
        try:
            report = self._report(scan_id)
        except EntryDamagedError as error:
            damage = str(error)
            report = failed_reports.damaged(scan_id, damage)
        except worker.WorkerStoppedError:
            self._state_store.end(scan_id)
            return
        self._spool.reports.write(scan_id, "report", report)
        self._state_store.end(scan_id)
        if damage:
            self._state_store.mark_damaged(scan_id, damage)
        self._tell(scan_id, report)

    def _report(self, scan_id: ScanId) -> Report:
        """Read the entry in a child process: a large one must not make this one large, nor take it along."""
        manifest = self._spool.raw.manifest(scan_id)
        if manifest.outcome != "finished":
            return failed_reports.without_results(manifest)
        died = "the reader died with the stage"
        while self._state_store.start_attempt(scan_id) < _TRIES:
            try:
                work = partial(self._read, manifest, self._process.settings)
                return codec.decode(worker.run_in_worker(self._process, work, _LIMIT_S), Report)
            except worker.WorkerError as error:
                died = f"the reader {error}"
                self._process.log.warning(died, scan_id=scan_id)
        return failed_reports.unreadable(manifest, f"{died}, {_TRIES} times; the raw entry is kept")

    def _read(self, manifest: Manifest, settings: Settings) -> bytes:
        # Imported in the child alone: the XML library would stay in this process for good.
        from stages.scanners.reports import read

        return codec.encode(read(manifest, partial(self._open, manifest), settings))

    def _open(self, manifest: Manifest, role: Role) -> Callable[[], BinaryIO] | None:
        file = next((file for file in manifest.files if file.role == role), None)
        return partial(self._spool.raw.open_file, manifest.scan_id, file) if file else None

    def _tell(self, scan_id: ScanId, report: Report) -> None:
        tell = self._process.log.error if report.status == "failed" else self._process.log.info
        summary = report.summary
        tell(
            "report written",
            scan_id=scan_id,
            status=report.status,
            rules=summary.total_rules,
            passed=summary.passed,
            failed=summary.failed,
            score=summary.score if report.status == "completed" else None,
            why=report.error,
        )
        self._process.publish(Event(name="ReportWritten", scan_id=scan_id, result=report.status))
