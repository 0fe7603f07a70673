"""Notices to an administrator: `notify.command` is run when a scan is worse, fails, or is refused.

Each report is checked once, after the delivery; a report that is replayed or imported later causes
no second notice. Reports are read and compared, and the command is run, in a worker process: the
stage's memory does not grow, and a command that hangs ends with its worker.

When `notify.command` is set for the first time, reports that are there already cause no notice. A
crash between a refusal and its notice loses the notice; the refusal is in the receipt and the log.
"""

from collections.abc import Iterator
from datetime import datetime

from schemas import codec
from schemas.destination import DESTINATION_STATE, Destination
from schemas.ids import ScanId
from schemas.notice import NoticeState
from stages.runtime.host_name import host_name
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerError, WorkerStoppedError
from stages.ship.notice_task import SEND_NOTICE, NoticeOutcome, NoticeSubject, NoticeTask

_STATE = "notices"
_READING_LIMIT_S = 60.0


class Notices:
    """What the ship stage gives notice of."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._worker = Worker(process, SEND_NOTICE, idle_s=1.0)
        self._receipts: frozenset[ScanId] | None = None

    def run_once(self) -> None:
        """Give notice of all that is new."""
        if not self._process.settings.notify.command:
            self._receipts = None
            return
        state = self._state()
        for task in self._tasks(state):
            if self._process.stopping:
                return
            self._send(task)
        self._save(state)

    def close(self) -> None:
        self._worker.stop()

    def _state(self) -> NoticeState:
        found = self._process.state_store.read(_STATE, NoticeState)
        if found is None:
            # No notice of reports that were there before the setting was made.
            found = NoticeState(newest_report=self._newest_report())
            self._process.state_store.write(_STATE, found)
        return found

    def _save(self, before: NoticeState) -> None:
        now = NoticeState(newest_report=self._newest_report(), paused_since=self._paused_since())
        if now != before:
            self._process.state_store.write(_STATE, now)

    def _tasks(self, state: NoticeState) -> Iterator[NoticeTask]:
        for scan_id in self._process.spool.reports.ids():
            if state.newest_report is None or scan_id > state.newest_report:
                yield self._task("report", scan_id)
        for scan_id in self._new_receipts():
            yield self._task("receipt", scan_id)
        paused_since = self._paused_since()
        if paused_since not in (None, state.paused_since):
            yield self._task("destination", None)

    def _task(self, about: NoticeSubject, scan_id: ScanId | None) -> NoticeTask:
        settings = self._process.settings.notify
        return NoticeTask(
            spool=str(self._process.spool.root),
            about=about,
            scan_id=scan_id,
            host=host_name(),
            command=settings.command,
            events=settings.events,
            time_limit_s=settings.time_limit_s,
        )

    def _send(self, task: NoticeTask) -> None:
        log = self._process.log
        try:
            limit_s = task.time_limit_s + _READING_LIMIT_S
            answer = self._worker.call(codec.encode(task), limit_s)
        except WorkerStoppedError:
            return
        except WorkerError as error:
            log.warning("notice not sent: its worker " + str(error), scan_id=task.scan_id)
            return
        outcome = codec.decode(answer, NoticeOutcome)
        if outcome.problem is not None:
            log.warning(
                "notify.command failed",
                scan_id=task.scan_id,
                event=outcome.event,
                reason=outcome.problem,
            )
        elif outcome.event is not None:
            log.info("notice sent", scan_id=task.scan_id, event=outcome.event)

    def _newest_report(self) -> ScanId | None:
        return max(self._process.spool.reports.ids(), default=None)

    def _new_receipts(self) -> list[ScanId]:
        """Receipts written since the last time; none at the first."""
        now = frozenset(self._process.spool.receipts.ids())
        before = self._receipts
        self._receipts = now
        if before is None:
            return []
        return sorted(now - before)

    def _paused_since(self) -> datetime | None:
        """Since when delivery is paused until an administrator acts."""
        found = self._process.state_store.read(DESTINATION_STATE, Destination)
        if found is None or found.state != "paused":
            return None
        return found.since
