"""The trigger stage: requests for scans and cancellations become entries in `requests/`.

Requests come from operators (`commands/`), from schedules, and from the server. The scan
stage answers several requests for the same scanner and profile with one scan.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from schemas.codec import replace
from schemas.event import Event
from schemas.ids import ScanId, scanner_of
from schemas.request import Reason, Refusal, Request
from schemas.schedule import TRIGGER_STATE, NextDue, TriggerState
from spool.errors import (
    EntryDamagedError,
    EntryMissingError,
    EntryUnreadableError,
    NewerFormatError,
    SpoolError,
    StorageError,
)
from stages.patchmon import commands
from stages.patchmon.progress import ProgressQueue
from stages.patchmon.server_messages import ComplianceScanCancel
from stages.runtime.allowance import Allowance
from stages.runtime.process import Process
from stages.trigger import machine
from stages.trigger.connection import ServerConnection
from stages.trigger.content_fetch import ContentFetch
from stages.trigger.plans import problems
from stages.trigger.request_writer import RequestWriter
from stages.trigger.scheduler import Scheduler
from stages.trigger.server_commands import ServerCommands

__all__ = ["TriggerStage", "problems"]

_COPIES_IN_A_PASS = 50
_ANSWERED = frozenset({("ReportShipped", "accepted"), ("ReportShipped", "refused")})
# Any stage can send the event that a report was shipped: it must not make this one connect all the
# time.
_HINTS_AT_ONCE, _HINT_EVERY_S = 3, 30.0


class _Copy(NamedTuple):
    """A command that is to be copied: its file's name, and how."""

    name: str
    carry_out: Callable[[], None]


class TriggerStage:
    """What the trigger stage does."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._request_writer = RequestWriter(process)
        self._progress = ProgressQueue()
        self._content = ContentFetch(process)
        self._commands = ServerCommands(
            process, self._request_writer, self._progress, self._content.want_for_server
        )
        self._scheduler = Scheduler(process, self._request_writer)
        self._hints = Allowance(_HINTS_AT_ONCE, _HINT_EVERY_S)
        self._server = ServerConnection(process, self._progress.next)
        self._next_due: tuple[NextDue, ...] = ()
        self._written_state: TriggerState | None = None
        self._machine_checked_for: str | None = None
        """The id at the server for which this machine was compared with the one that used it."""

    def run_once(self) -> None:
        # Trouble of the disk with one kind of work does not hold up the others.
        trouble: StorageError | None = None
        for work in (
            self._apply_server_commands,
            self._commands.answer_refused,
            self._answer_remediations,
            self._copy_commands,
            self._follow_schedules,
            self._fetch_content,
            self._notice_clone,
        ):
            try:
                work()
            except StorageError as error:
                trouble = error
        self._server.keep_connected()
        self._server.report_reached()
        self._server.report(self._commands.overrides, self._commands.answers)
        self._send_progress()
        self._write_state()
        if trouble:
            raise trouble

    def _notice_clone(self) -> None:
        api_id = self._process.settings.api.id
        if api_id is None or api_id == self._machine_checked_for:
            return
        this_machine = machine.this_machine()
        cloned = machine.why_cloned(self._process.state_store, api_id, this_machine)
        if cloned is None:
            machine.remember(self._process.state_store, api_id, this_machine)
        else:
            self._process.log.warning(cloned)
        self._machine_checked_for = api_id

    def timeout_s(self) -> float:
        now = self._process.now()
        due = ((next_due.at - now).total_seconds() for next_due in self._next_due)
        waits = (self._commands.due_in_s(), self._content.due_in_s())
        return max(0.0, min((*waits, *due)))

    def on_event(self, event: Event) -> None:
        self._progress.take(event, self._process.now())
        if (event.name, event.result) in _ANSWERED and self._hints.take():
            self._server.reached()
        self._send_progress()

    def reloaded(self) -> None:
        # The other stages do not watch the file.
        self._process.publish(Event(name="SettingsChanged"))
        self._server.status_wanted = True

    def close(self) -> None:
        self._content.close()
        self._server.close()
        # A command that arrived before the end is not lost.
        try:
            while self._server.has_commands:
                self._apply_server_commands()
        except SpoolError as error:
            self._process.log.error(
                "the last commands of the server are lost: repeat them", reason=str(error)
            )

    def _send_progress(self) -> None:
        if self._progress.is_waiting:
            self._server.send_progress()

    def _apply_server_commands(self) -> None:
        for command in self._server.received():
            self._commands.carry_out(command)
            is_about_scans = isinstance(command, commands.Scan | ComplianceScanCancel)
            is_about_a_rule = isinstance(command, commands.Scan) and command.rule is not None
            self._server.status_wanted |= is_about_a_rule or not is_about_scans

    def _answer_remediations(self) -> None:
        before = self._commands.answers
        self._commands.answer_remediations()
        self._server.status_wanted |= self._commands.answers != before

    def _fetch_content(self) -> None:
        self._content.run_once()
        outcome = self._content.take_answer()
        if outcome is not None:
            failure = None
            if outcome.failed:
                failure = outcome.message
            self._commands.answer_content(failure)
            self._server.status_wanted = True

    def _follow_schedules(self) -> None:
        self._next_due = self._scheduler.run_once(self._commands.overrides)

    def _copy_commands(self) -> None:
        """Copy the operator's commands into this stage's outbox.

        Cancellations go first, so that a scan which is cancelled already is never started.
        A request that can't be read becomes a scan that fails with the reason.
        """
        trouble: StorageError | None = None
        copies = [copy for copy in self._copies() if not self._process.is_set_aside(copy.name)]
        for copy in copies[:_COPIES_IN_A_PASS]:
            try:
                copy.carry_out()
                self._process.set_aside.worked(copy.name)
            except NewerFormatError as error:
                self._process.report_newer(copy.name, error)
            except EntryUnreadableError as error:
                self._process.set_aside.failed(copy.name, error)
            except EntryMissingError:
                # The operator has withdrawn it.
                continue
            except StorageError as error:
                trouble = error
            self._process.alive()
        if trouble:
            raise trouble
        if len(copies) > _COPIES_IN_A_PASS:
            # The rest after the server's commands and the schedules.
            self._process.wake()

    def _copies(self) -> Iterator[_Copy]:
        commands = self._spool.commands
        for command_id in self._spool.pending_cancellations():
            name = commands.cancellations.name(command_id)
            yield _Copy(name, partial(self._copy_cancellation, command_id, name))
        for scan_id in self._spool.pending("trigger"):
            name = commands.name(scan_id)
            yield _Copy(name, partial(self._copy_request, scan_id))

    def _copy_cancellation(self, command_id: str, name: str) -> None:
        try:
            cancellation = self._spool.commands.cancellations.read(command_id)
        except EntryDamagedError as error:
            self._report_damage(name, str(error))
            return
        self._spool.requests.cancellations.write(command_id, cancellation)
        self._process.log.info("command copied", command_id=command_id, kind="cancel")
        self._process.publish(Event(name="CancellationRequested", scan_id=command_id))

    def _copy_request(self, scan_id: ScanId) -> None:
        try:
            request = self._spool.commands.requests.read(scan_id)
        except EntryDamagedError as error:
            request = self._refused(scan_id, str(error))
        self._spool.requests.write(request)
        self._process.log.info("command copied", scan_id=scan_id, kind="request")
        self._process.publish(Event(name="ScanRequested", scan_id=scan_id))

    def _refused(self, scan_id: ScanId, problem: str) -> Request:
        reason = Reason(source="operator", at=self._process.now())
        message = f"the request can't be read: {problem}; request the scan again"
        refusal = Refusal(reason=message, cause="damaged")
        return Request(scan_id=scan_id, scanner=scanner_of(scan_id), reason=reason, refusal=refusal)

    def _report_damage(self, name: str, reason: str) -> None:
        if name not in self._process.state_store.damaged():
            self._process.state_store.mark_damaged(name, reason)
            self._process.log.error("damaged command: repeat it", entry=name, reason=reason)

    def _write_state(self) -> None:
        state = TriggerState(
            next_due=self._next_due,
            connection=self._server.state,
            connected=self._server.is_connected,
            url=self._process.settings.server.url,
            at=self._process.now(),
        )
        before = self._written_state
        if before and replace(before, at=state.at) == state:
            return
        self._process.state_store.write(TRIGGER_STATE, state)
        self._written_state = state
