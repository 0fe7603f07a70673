"""The main loop: how every stage starts, works and ends.

Start: settings, spool (owners, modes, lock), doorbell, watch; then ready. Loop: do all the work
that there is, wait. SIGHUP reads the settings at once. End: on SIGTERM or SIGINT, after the step at
hand.

Wrong settings and a spool that can't be used end the start at once, with an exit code after which
no service manager starts the stage again. Trouble with the disk, and a limit of the machine (file
handles, memory, processes), ends one pass of the loop, is logged once, and the pass is repeated
until it succeeds. An internal error ends the process, whose
supervisor starts it again. A spool that was removed is claimed again; where another instance was
quicker, this one ends.

Diagnostics: exit codes of `stages.runtime.exits`; the reason is also the unit's status.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from schemas.event import SCAN_EVENTS, Event, EventName
from spool.errors import (
    MachineError,
    SpoolBusyError,
    SpoolError,
    SpoolUnusableError,
    is_of_the_machine,
    of_the_machine,
)
from spool.layout import Stage
from spool.spool import Spool
from stages.runtime import maintenance, settings_file
from stages.runtime.doorbell import Doorbell, DoorbellError, NoDoorbell, ZmqDoorbell
from stages.runtime.exits import Exit
from stages.runtime.heap import Heap
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.runtime.restarts import Restarts
from stages.runtime.sd_notify import Notifier
from stages.runtime.settings_reload import signature
from stages.runtime.watch import Watch

SUBSCRIPTIONS: Mapping[Stage, tuple[EventName, ...]] = {
    "trigger": ("CommandGiven", "HostDetected", "ShippingPaused", *SCAN_EVENTS),
    "scan": ("CommandGiven", "ScanRequested", "CancellationRequested", "DetectionWanted"),
    "parse": ("CommandGiven", "ScanStarted", "ScanFinished"),
    "ship": ("CommandGiven", "ScanFinished", "ReportWritten", "ServerReached"),
}
_MAINTENANCE_EVERY_S = 600.0
_RETRY_AFTER_S = 5.0
_RESTARTED = (Exit.BUG, Exit.UNAVAILABLE)
"""Exit codes after which a service manager starts the stage again."""


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


def run(
    stage: Stage,
    make: Callable[[Process], StageHandler],
    config: Path | None,
    load: settings_file.Load,
    *,
    as_json: bool = False,
) -> Exit:
    """Run a stage until it has to stop.

    `load` reads a settings file, with all sections and checks.
    """
    notifier = Notifier()
    # Until there is something to reload. Not SIG_IGN: children would inherit that.
    signal.signal(signal.SIGHUP, lambda *_: None)
    log = Log(stage, as_json=as_json)
    loaded = load(config)
    if loaded.problems:
        return _refuse_settings(loaded, notifier, log)
    restarts = Restarts(Path(loaded.settings.runtime_dir), stage, notifier)
    code = Exit.OK
    if restarts.delay_start(log):
        code = _run(stage, make, config, load, notifier, log)
    if code not in _RESTARTED:
        restarts.forget()
    return code


def _run(
    stage: Stage,
    make: Callable[[Process], StageHandler],
    config: Path | None,
    load: settings_file.Load,
    notifier: Notifier,
    log: Log,
) -> Exit:
    # Before the file is read: a change from now on is a change.
    config_seen = signature(config or settings_file.DEFAULT_PATH)
    # Read again: the start may have been delayed for minutes.
    loaded = load(config)
    if loaded.problems:
        return _refuse_settings(loaded, notifier, log)
    log.level = loaded.settings.log.level
    spool = Spool(Path(loaded.settings.spool.path))
    try:
        removed = spool.claim(stage)
    except SpoolError as error:
        return _refuse(error, notifier, log)
    if removed:
        log.warning("drafts of an interrupted write removed", count=len(removed))
    heap = Heap()  # before the first thread
    doorbell = _open_doorbell(Path(loaded.settings.runtime_dir), stage, log)
    try:
        process = Process(
            stage, loaded.settings, loaded.path, spool, log, doorbell, load, notifier, config_seen
        )
        with _machine_errors():
            return _serve(process, make, heap)
    except SpoolError as error:
        return _refuse(error, notifier, log)
    except Exception as error:  # the one broad except: logged, then it is the supervisor's turn
        log.error(f"internal error, the stage ends: {type(error).__name__}: {error}")
        # The interpreter's own: the module `traceback` takes memory for as long as a stage runs.
        sys.__excepthook__(type(error), error, error.__traceback__)
        return Exit.BUG
    finally:
        doorbell.close()
        spool.release()


def _refuse_settings(loaded: settings_file.Loaded, notifier: Notifier, log: Log) -> Exit:
    log.use_stream()
    for problem in loaded.problems:
        log.error("settings are wrong", file=loaded.path, problem=problem)
    notifier.notify_status(f"settings are wrong: {loaded.path}: {'; '.join(loaded.problems)}")
    if loaded.may_pass:
        return Exit.UNAVAILABLE
    return Exit.USAGE


def _refuse(error: SpoolError, notifier: Notifier, log: Log) -> Exit:
    log.use_stream()
    log.error(str(error))
    notifier.notify_status(str(error))
    if isinstance(error, SpoolBusyError):
        return Exit.BUSY
    if isinstance(error, SpoolUnusableError):
        return Exit.UNUSABLE
    return Exit.UNAVAILABLE


def _serve(process: Process, make: Callable[[Process], StageHandler], heap: Heap) -> Exit:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    signal.signal(signal.SIGHUP, lambda *_: process.hang_up())
    handler = make(process)
    watch = _start_watch(process)
    process.on_event = handler.on_event
    process.log.info("stage started", spool=process.spool.root)
    process.notify_ready()
    try:
        MainLoop(process, handler, watch, heap).run()
    finally:
        process.notify_stopping()
        handler.close()
        if watch:
            watch.close()
    process.log.info("stage stopped")
    return Exit.OK


class MainLoop:
    """Work, wait, work again."""

    def __init__(
        self, process: Process, handler: StageHandler, watch: Watch | None, heap: Heap
    ) -> None:
        self._process = process
        self._handler = handler
        self._watch = watch
        self._heap = heap
        self._trouble: str | None = None
        self._maintained_at = -_MAINTENANCE_EVERY_S

    def run(self) -> None:
        """Until the process has to stop."""
        while not self._process.stopping:
            try:
                with _machine_errors():
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
        process.set_aside.forget_gone(process.watched)
        maintenance.quarantine_damage(process.spool, process.stage, process.now(), process.log)
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
            self._process.log.error(self._trouble)

    def _report_end_of_trouble(self) -> None:
        if self._trouble is None:
            return
        self._process.log.warning("recovered", after=self._trouble)
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
def _machine_errors() -> Iterator[None]:
    """Trouble of the machine is a MachineError, wherever it is met."""
    try:
        yield
    except OSError as error:
        if not is_of_the_machine(error):
            raise
        raise of_the_machine(str(error.filename or "the agent can't work"), error) from error
    except MemoryError as error:
        raise MachineError("no memory is left: free some; the work stays pending") from error


def _maintain(process: Process) -> None:
    maintenance.forget_damage(process.spool, process.stage)
    maintenance.forget_attempts(process.spool, process.stage)
    removed = maintenance.expire(process.spool, process.stage, process.settings)
    if removed:
        process.log.info(
            "old entries removed", count=len(removed), oldest=removed[0], newest=removed[-1]
        )


def _open_doorbell(runtime: Path, stage: Stage, log: Log) -> Doorbell:
    try:
        runtime.mkdir(mode=0o750, parents=True, exist_ok=True)
        return ZmqDoorbell(runtime, stage, SUBSCRIPTIONS[stage])
    except OSError as error:
        reason = f"{runtime}: {error.strerror}"
    except DoorbellError as error:
        reason = str(error)
    log.warning("no doorbell: work is found by watch and timer, a little later", reason=reason)
    return NoDoorbell()


def _start_watch(process: Process) -> Watch | None:
    files = []
    if process.config:
        files.append(process.config)
    try:
        watch = Watch(process.watched, files)
    except OSError as error:
        process.log.warning(
            "the spool can't be watched: work is found by doorbell and timer", reason=error.strerror
        )
        return None

    def wake_where_it_matters() -> None:
        if watch.read():
            process.wake()

    process.readers[watch.handle] = wake_where_it_matters
    return watch
