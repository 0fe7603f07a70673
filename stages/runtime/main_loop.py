"""The main loop of every stage: do all the work that there is, wait, check again.

Trouble with the disk, and a limit of the machine (file handles, memory, processes), ends one pass
of the loop, is logged once, and the pass is repeated until it succeeds. A spool that was removed is
claimed again; where another instance was quicker, this one ends.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from schemas.event import Event
from spool.errors import (
    MachineError,
    SpoolError,
    SpoolUnusableError,
    is_of_the_machine,
    is_without_thread,
    of_the_machine,
)
from stages.runtime import maintenance
from stages.runtime.heap import Heap
from stages.runtime.process import Process

if TYPE_CHECKING:
    from stages.runtime.watch import Watch

_MAINTENANCE_EVERY_S = 600.0
_RETRY_AFTER_S = 5.0


class StageHandler(Protocol):
    """What a stage does; the main loop does the rest."""

    def run_once(self) -> None:
        """Do all the work that there is. Raises SpoolError where the disk does not allow it."""

    def timeout_s(self) -> float:
        """Seconds after which to check for work again, even without an event."""

    def on_event(self, event: Event) -> None:
        """An event of another stage has arrived."""

    def reloaded(self) -> None:
        """New settings are in force."""

    def close(self) -> None:
        """End children and connections: the process ends."""


class MainLoop:
    """Work, wait, work again."""

    def __init__(
        self, process: Process, handler: StageHandler, watch: "Watch | None", heap: Heap
    ) -> None:
        self._process = process
        self._handler = handler
        self._watch = watch
        self._heap = heap
        self._trouble: str | None = None
        self._maintained_at = -_MAINTENANCE_EVERY_S
        self._damage_check = maintenance.DamageCheck(process.spool, process.stage, process.log)

    def run(self) -> None:
        """Until the process has to stop."""
        while not self._process.stopping:
            try:
                with machine_errors():
                    self._work()
                wait_s = self._timeout_s()
                self._report_end_of_trouble()
            except SpoolError as error:
                self._report_trouble(error)
                if isinstance(error, SpoolUnusableError):
                    self._claim_again()
                wait_s = _RETRY_AFTER_S
            if not self._process.stopping:
                self._heap.give_back()
                self._process.wait(wait_s)

    def _work(self) -> None:
        process = self._process
        process.spool.check_claim()
        if process.refresh_settings():
            self._handler.reloaded()
        process.set_aside.forget_gone(process.sources)
        self._damage_check.run_once(process.now())
        self._handler.run_once()
        if time.monotonic() - self._maintained_at >= _MAINTENANCE_EVERY_S:
            self._maintained_at = time.monotonic()
            _maintain(process)

    def _timeout_s(self) -> float:
        return min(
            self._handler.timeout_s(),
            self._process.settings_due_in_s(),
            self._process.set_aside.due_in_s(),
            self._process.settings.spool.check_every_s,
        )

    def _report_trouble(self, error: SpoolError) -> None:
        """Log it once, however long it lasts."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._process.note_trouble(self._trouble)
            self._process.log.error(self._trouble)

    def _report_end_of_trouble(self) -> None:
        if self._trouble is None:
            return
        self._process.log.warning("recovered", after=self._trouble)
        self._process.note_trouble(None)
        self._trouble = None
        if self._watch:
            # Directories that were made again are not those that are watched.
            self._watch.renew()

    def _claim_again(self) -> None:
        """Make a removed spool anew. Raises SpoolBusyError where another instance was quicker."""
        process = self._process
        # Its removal may still be going on.
        end = time.monotonic() + _RETRY_AFTER_S
        while time.monotonic() < end and not process.stopping:
            process.wait(end - time.monotonic())
        process.spool.release()
        process.spool.claim(process.stage)
        process.log.error(
            "spool claimed again; what was in removed directories is lost", spool=process.spool.root
        )


@contextmanager
def machine_errors() -> Iterator[None]:
    """Trouble of the machine is a MachineError, wherever it is met."""
    try:
        yield
    except OSError as error:
        if not is_of_the_machine(error):
            raise
        raise of_the_machine(str(error.filename or "the agent can't work"), error) from error
    except MemoryError as error:
        raise MachineError("no memory is left: free some; the work stays pending") from error
    except RuntimeError as error:
        if not is_without_thread(error):
            raise
        raise MachineError(
            "no thread can be started: the limit of processes or of memory is reached: raise "
            "TasksMax or MemoryMax; the work stays pending"
        ) from error


def _maintain(process: Process) -> None:
    maintenance.forget_damage(process.spool, process.stage)
    maintenance.forget_attempts(process.spool, process.stage)
    removed = maintenance.expire(process.spool, process.stage, process.settings, process.log)
    if removed:
        process.log.info(
            "old entries removed", count=len(removed), oldest=removed[0], newest=removed[-1]
        )
