"""The trigger stage: every request for a scan, and for the end of one, becomes an entry in `requests/`.

Requests come from operators (`commands/`, `inbox/`), from schedules, and from the server. The scan
stage answers several requests for the same scanner and profile with one scan.
"""

from schemas.codec import replace
from schemas.event import Event, EventName
from schemas.ids import ScanId, is_scan_id, scanner_of
from schemas.records import Record
from schemas.request import Cancellation, Reason, Request
from schemas.schedule import TRIGGER_STATE, NextDue, TriggerState
from spool.errors import EntryDamagedError, EntryMissingError, SpoolError, StorageError
from spool.layout import Kind, entry_name, parse_name
from stages.patchmon import commands
from stages.patchmon.progress import Progress
from stages.runtime.process import Process
from stages.trigger.connection import ServerConnection
from stages.trigger.inbox import Inbox
from stages.trigger.request_writer import RequestWriter
from stages.trigger.scheduler import Scheduler, problems
from stages.trigger.server_commands import ServerCommands

__all__ = ["TriggerStage", "problems"]

_COPIED: tuple[tuple[Kind, type[Record], EventName], ...] = (
    ("cancel", Cancellation, "CancellationRequested"),
    ("request", Request, "ScanRequested"),
)


class TriggerStage:
    """What the trigger stage does."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._request_writer = RequestWriter(process)
        self._progress = Progress()
        self._commands = ServerCommands(process, self._request_writer, self._progress)
        self._scheduler = Scheduler(process, self._request_writer)
        self._inbox = Inbox(process, self._request_writer)
        self._server = ServerConnection(process, self._progress.next)
        self._next_due: tuple[NextDue, ...] = ()
        self._written_state: TriggerState | None = None
        process.watched.add(self._inbox.path)

    def run_once(self) -> None:
        # The disk's trouble with one kind of work does not hold up the others.
        trouble: StorageError | None = None
        for work in (
            self._apply_server_commands,
            self._copy_commands,
            self._inbox.run_once,
            self._follow_schedules,
        ):
            try:
                work()
            except StorageError as error:
                trouble = trouble or error
        self._server.keep_connected()
        self._server.report_status(self._commands.overrides)
        self._server.send_news()
        self._write_state()
        if trouble:
            raise trouble

    def timeout_s(self) -> float:
        now = self._process.now()
        due = ((next_due.at - now).total_seconds() for next_due in self._next_due)
        return max(0.0, min((self._inbox.due_in_s(), *due)))

    def on_event(self, event: Event) -> None:
        self._progress.take(event, self._process.now())
        self._server.send_news()

    def reloaded(self) -> None:
        self._server.status_wanted = True

    def verify(self, name: str) -> object:
        parsed = parse_name(name)
        if parsed is None:
            return None
        record = Cancellation if parsed[1] == "cancel" else Request
        return self._spool.requests.read(parsed[0], parsed[1], record)

    def close(self) -> None:
        self._server.close()
        # What arrived before the end is an entry after it.
        try:
            while self._server.has_commands:
                self._apply_server_commands()
        except SpoolError as error:
            self._process.log.error(
                "the last commands of the server are lost: give them again", why=str(error)
            )

    def _apply_server_commands(self) -> None:
        for command in self._server.received():
            self._commands.carry_out(command)
            self._server.status_wanted |= not isinstance(command, commands.Scan | commands.Cancel)

    def _follow_schedules(self) -> None:
        self._next_due = self._scheduler.run_once(self._commands.overrides)

    def _copy_commands(self) -> None:
        """The operator's commands, as they are; a request that can't be read as a scan that fails with the reason."""
        trouble: StorageError | None = None
        for kind, record, event in _COPIED:
            have = set(self._spool.requests.ids(kind))
            for command_id in self._spool.commands.ids(kind):
                if command_id in have:
                    continue
                try:
                    self._copy(command_id, kind, record, event)
                except StorageError as error:
                    trouble = trouble or error
        if trouble:
            raise trouble

    def _copy(self, command_id: str, kind: Kind, record: type[Record], event: EventName) -> None:
        try:
            command = self._read(command_id, kind, record)
        except EntryMissingError:
            return
        except EntryDamagedError as error:
            if kind != "request" or not is_scan_id(command_id):
                self._damaged(entry_name(command_id, kind), str(error))
                return
            command = self._refused(ScanId(command_id), str(error))
        self._spool.requests.write(command_id, kind, command)
        self._process.log.info("command taken", scan_id=command_id, kind=kind)
        self._process.publish(Event(name=event, scan_id=command_id))

    def _read(self, command_id: str, kind: Kind, record: type[Record]) -> Record:
        """Raises EntryDamagedError also for what will not be readable later, either."""
        try:
            command = self._spool.commands.read(command_id, kind, record)
        except StorageError as error:
            if isinstance(error.__cause__, PermissionError):
                raise EntryDamagedError(
                    f"{command_id}: the agent may not read it (mode 0640 is right)"
                ) from error
            raise
        if isinstance(command, Request):
            _check_named(command_id, command)
        return command

    def _refused(self, scan_id: ScanId, why: str) -> Request:
        reason = Reason(source="operator", at=self._process.now())
        refusal = f"the request can't be read: {why}; ask for the scan again"
        return Request(scan_id=scan_id, scanner=scanner_of(scan_id), reason=reason, refusal=refusal)

    def _damaged(self, name: str, why: str) -> None:
        if name not in self._process.state_store.damaged():
            self._process.state_store.mark_damaged(name, why)
            self._process.log.error("damaged command, give it again", entry=name, why=why)

    def _write_state(self) -> None:
        state = TriggerState(
            next_due=self._next_due, link=self._server.state, at=self._process.now()
        )
        if self._written_state is None or replace(self._written_state, at=state.at) != state:
            self._process.state_store.write(TRIGGER_STATE, state)
            self._written_state = state


def _check_named(command_id: str, request: Request) -> None:
    """Raises EntryDamagedError for a request under another scan's name."""
    if (
        request.scan_id != command_id
        or not is_scan_id(command_id)
        or request.scanner != scanner_of(request.scan_id)
    ):
        raise EntryDamagedError(
            f"{command_id}: holds a request for {request.scan_id} by {request.scanner}"
        )
