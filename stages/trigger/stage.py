"""The trigger stage: every wish for a scan, and for the end of one, becomes an entry in `requests/`."""

from schemas.event import Event, EventName
from schemas.records import Record
from schemas.request import Cancellation, Request
from spool.errors import EntryDamagedError
from spool.layout import Kind, entry_name, parse_name
from stages.process.process import Process

_COPIED: tuple[tuple[Kind, type[Record], EventName], ...] = (
    ("cancel", Cancellation, "CancellationRequested"),
    ("request", Request, "ScanRequested"),
)


class TriggerStage:
    """The worker of the trigger stage."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool

    def look(self) -> None:
        for kind, record, event in _COPIED:
            have = set(self._spool.requests.ids(kind))
            for command_id in self._spool.commands.ids(kind):
                if command_id not in have:
                    self._take(command_id, kind, record, event)

    def timeout_s(self) -> float:
        return float("inf")

    def heard(self, event: Event) -> None:
        """A ring is enough to look; what it says does not matter."""

    def reloaded(self) -> None:
        """Nothing depends on the settings yet."""

    def verify(self, name: str) -> object:
        parsed = parse_name(name)
        if parsed is None:
            return None
        record = Cancellation if parsed[1] == "cancel" else Request
        return self._spool.requests.read(parsed[0], parsed[1], record)

    def close(self) -> None:
        """Nothing is open."""

    def _take(self, command_id: str, kind: Kind, record: type[Record], event: EventName) -> None:
        try:
            command = self._spool.commands.read(command_id, kind, record)
        except EntryDamagedError as error:
            name = entry_name(command_id, kind)
            if name not in self._process.notes.damaged():
                self._process.notes.mark_damaged(name, str(error))
                self._process.log.error("damaged command, give it again", command=command_id, why=str(error))
            return
        self._spool.requests.write(command_id, kind, command)
        self._process.log.info("command taken", scan_id=command_id, kind=kind)
        self._process.ring(Event(name=event, scan_id=command_id))
