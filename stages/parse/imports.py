"""Imports: the parse stage takes in the reports of a bundle, and writes what became of it.

A bundle comes from outside. It is read in a worker process; one that kills its reader is tried
three times in all, then the import has failed with that reason.
"""

from schemas import codec
from schemas.command import Imported
from schemas.event import Event
from spool.errors import (
    EntryDamagedError,
    EntryMissingError,
    EntryUnreadableError,
    NewerFormatError,
)
from spool.layout import entry_name
from stages.parse import counted_call
from stages.parse.counted_call import ReaderDiedError
from stages.parse.import_task import (
    TAKE_IN,
    ImportTask,
    failed_import,
    forget_plan,
    forget_plans_of,
)
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerStoppedError

_LIMIT_S = 3600.0


class Imports:
    """The import commands."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._worker = Worker(process, TAKE_IN, idle_s=1.0)
        forget_plans_of(process.state_store, self._spool.reports.imported.ids())

    def take_in(self) -> None:
        """Carry out every import that has no outcome yet, oldest first."""
        for command_id in self._spool.pending_imports():
            if self._process.stopping:
                return
            if not self._process.is_set_aside(entry_name(command_id, "import")):
                self._carry_out(command_id)

    def close(self) -> None:
        self._worker.stop()

    def _carry_out(self, command_id: str) -> None:
        try:
            self._spool.commands.imports.read(command_id)
            outcome = self._outcome(command_id)
        except NewerFormatError as error:
            self._process.report_newer(entry_name(command_id, "import"), error)
            return
        except EntryMissingError:
            # The operator has withdrawn it.
            self._forget(command_id)
            return
        except EntryUnreadableError as error:
            self._process.set_aside.failed(entry_name(command_id, "import"), error)
            return
        except EntryDamagedError as error:
            outcome = self._failed(command_id, error)
        except WorkerStoppedError:
            self._process.state_store.end(command_id)
            return
        self._spool.reports.imported.write(command_id, outcome)
        self._forget(command_id)
        self._process.set_aside.worked(entry_name(command_id, "import"))
        self._log(command_id, outcome)
        if outcome.taken:
            self._process.publish(Event(name="ReportWritten"))

    def _outcome(self, command_id: str) -> Imported:
        task = ImportTask(
            spool=str(self._spool.root), command_id=command_id, at=self._process.now()
        )
        try:
            answer = counted_call.call(
                self._process,
                self._worker,
                codec.encode(task),
                _LIMIT_S,
                entry_id=command_id,
                id_name="command_id",
            )
        except ReaderDiedError as error:
            return self._failed(command_id, error)
        return codec.decode(answer, Imported)

    def _failed(self, command_id: str, error: Exception) -> Imported:
        return failed_import(self._spool, command_id, self._process.now(), str(error))

    def _forget(self, command_id: str) -> None:
        self._process.state_store.end(command_id)
        forget_plan(self._process.state_store, command_id)

    def _log(self, command_id: str, outcome: Imported) -> None:
        if outcome.error:
            self._process.log.error(
                "import failed",
                command_id=command_id,
                reason=outcome.error,
                taken=len(outcome.taken),
            )
            return
        self._process.log.info(
            "reports imported",
            command_id=command_id,
            host=outcome.hostname,
            taken=len(outcome.taken),
            present=len(outcome.present),
        )
