"""The skeleton: how every stage starts, loops and ends.

Start: settings, spool (owners, modes, lock), doorbell, watch; then ready. Loop: look for work until there is none,
wait. SIGHUP looks at the settings at once. End: on SIGTERM or SIGINT after the step at hand. Trouble with the disk ends
a look, is told once, and the look is tried again; a fault in the program ends the process, whose supervisor starts it
anew. A spool that was removed is claimed again; where another instance was quicker, this one ends.

Diagnostics: exit codes of `stages.runtime.exits`.
"""

import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from schemas.event import SCAN_EVENTS, Event, EventName
from spool.errors import SpoolBusyError, SpoolError, SpoolUnusableError
from spool.layout import Stage
from spool.spool import Spool
from stages.runtime import maintenance, settings_file
from stages.runtime.doorbell import Doorbell, DoorbellError, NoDoorbell, ZmqDoorbell
from stages.runtime.exits import Exit
from stages.runtime.heap import Heap
from stages.runtime.logs import Log
from stages.runtime.process import Process, signature
from stages.runtime.restarts import Restarts
from stages.runtime.sd_notify import Notifier
from stages.runtime.watch import Watch

SUBSCRIPTIONS: Mapping[Stage, tuple[EventName, ...]] = {
    "trigger": ("CommandGiven", "HostDetected", "ShippingPaused", *SCAN_EVENTS),
    "scan": ("CommandGiven", "ScanRequested", "CancellationRequested", "DetectionWanted"),
    "parse": ("CommandGiven", "ScanStarted", "ScanFinished"),
    "ship": ("CommandGiven", "ReportWritten"),
}
_UPKEEP_EVERY_S = 600.0
_TROUBLE_WAIT_S = 5.0


class StageHandler(Protocol):
    """What a stage does; the skeleton does the rest."""

    def run_once(self) -> None:
        """Do all the work that there is. Raises SpoolError when the disk is in the way."""

    def timeout_s(self) -> float:
        """Seconds after which to look again, even if nothing rings."""

    def on_event(self, event: Event) -> None:
        """A neighbour rang."""

    def reloaded(self) -> None:
        """New settings are in force."""

    def verify(self, name: str) -> object:
        """Read an own entry by its name. Raises EntryDamagedError."""

    def close(self) -> None:
        """The process ends: children and connections too."""


def run(
    stage: Stage,
    make: Callable[[Process], StageHandler],
    config: Path | None,
    check: settings_file.Check,
    *,
    as_json: bool = False,
) -> Exit:
    """Run a stage until it is told to stop. `check` knows what else may be wrong with the settings of this stage."""
    notifier = Notifier()
    # Until there are settings to look at anew; a handler, because children would keep a signal that is ignored.
    signal.signal(signal.SIGHUP, lambda *_: None)
    runtime = Path(settings_file.load(config, check).settings.runtime_dir)
    restarts = Restarts(runtime, stage, notifier)
    log = Log(stage, as_json=as_json)
    code = _run(stage, make, config, check, notifier, log) if restarts.hold_back(log) else Exit.OK
    if code == Exit.OK:
        restarts.forget()
    return code


def _run(
    stage: Stage,
    make: Callable[[Process], StageHandler],
    config: Path | None,
    check: settings_file.Check,
    notifier: Notifier,
    log: Log,
) -> Exit:
    # Before it is read: a change from now on is a change.
    seen = signature(config or settings_file.DEFAULT_PATH)
    loaded = settings_file.load(config, check)
    log.level = loaded.settings.log.level
    if loaded.problems:
        for problem in loaded.problems:
            log.error("settings are wrong", file=loaded.path, problem=problem)
        return Exit.USAGE
    spool = Spool(Path(loaded.settings.spool.path))
    try:
        left = spool.claim(stage)
    except SpoolError as error:
        return _refused(error, log)
    if left:
        log.warning("removed what a crash left half written", count=len(left))
    memory = Heap()  # before the first thread
    doorbell = _doorbell(Path(loaded.settings.runtime_dir), stage, log)
    process = Process(
        stage, loaded.settings, loaded.path, spool, log, doorbell, check, notifier, seen
    )
    try:
        return _serve(process, make, memory)
    except SpoolError as error:
        return _refused(error, log)
    except Exception as error:  # the one broad except: told, then the supervisor's turn
        log.error(f"stage ends by a fault in the program: {type(error).__name__}: {error}")
        traceback.print_exc(file=sys.stderr)
        return Exit.BUG
    finally:
        doorbell.close()
        spool.release()


def _refused(error: SpoolError, log: Log) -> Exit:
    log.error(str(error))
    return Exit.BUSY if isinstance(error, SpoolBusyError) else Exit.UNUSABLE


def _serve(process: Process, make: Callable[[Process], StageHandler], memory: Heap) -> Exit:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    signal.signal(signal.SIGHUP, lambda *_: process.hang_up())
    worker = make(process)
    watch = _watch(process)
    process.on_event = worker.on_event
    process.log.info("stage started", spool=process.spool.root)
    process.ready()
    try:
        _loop(process, worker, watch, memory)
    finally:
        process.gone()
        worker.close()
        if watch:
            watch.close()
    process.log.info("stage stopped")
    return Exit.OK


def _loop(process: Process, worker: StageHandler, watch: Watch | None, memory: Heap) -> None:
    trouble: str | None = None
    kept_up = -_UPKEEP_EVERY_S
    while not process.stopping:
        wait_s = _TROUBLE_WAIT_S
        try:
            process.spool.check_claim()
            if process.refresh_settings():
                worker.reloaded()
            maintenance.quarantine_damage(
                process.spool, process.stage, worker.verify, process.now(), process.log
            )
            worker.run_once()
            if time.monotonic() - kept_up >= _UPKEEP_EVERY_S:
                kept_up = time.monotonic()
                _maintain(process)
            wait_s = min(
                worker.timeout_s(), process.settings_due_in_s(), process.settings.spool.look_every_s
            )
            if trouble:
                process.log.warning("work goes on", after=trouble)
                trouble = None
                # Directories that were made again are others than those that are watched.
                watch.renew() if watch else None
        except SpoolError as error:
            if str(error) != trouble:
                trouble = str(error)
                process.log.error(trouble)
            _reclaim_spool(process, error)
        if not process.stopping:
            memory.give_back()
            process.wait(wait_s)


def _maintain(process: Process) -> None:
    maintenance.forget_damage(process.spool, process.stage)
    gone = maintenance.expire(process.spool, process.stage, process.settings)
    if gone:
        process.log.info("old entries removed", count=len(gone), oldest=gone[0], newest=gone[-1])


def _reclaim_spool(process: Process, error: SpoolError) -> None:
    """A spool that was removed while the stage runs is made again, and told. SpoolBusyError: another was quicker."""
    if isinstance(error, SpoolUnusableError):
        # Whoever removes it may still be at it.
        end = time.monotonic() + _TROUBLE_WAIT_S
        while time.monotonic() < end and not process.stopping:
            process.wait(end - time.monotonic())
        process.spool.release()
        process.spool.claim(process.stage)
        process.log.error(
            "spool claimed again; what was in removed directories is lost", spool=process.spool.root
        )


def _doorbell(runtime: Path, stage: Stage, log: Log) -> Doorbell:
    try:
        runtime.mkdir(mode=0o750, parents=True, exist_ok=True)
        return ZmqDoorbell(runtime, stage, SUBSCRIPTIONS[stage])
    except (DoorbellError, OSError) as error:
        why = f"{runtime}: {error.strerror}" if isinstance(error, OSError) else str(error)
        log.warning(
            "no doorbell: stages find their work by watch and timer, a little later", why=why
        )
        return NoDoorbell()


def _watch(process: Process) -> Watch | None:
    files = [process.config] if process.config else []
    try:
        return Watch(process.watched, files, process.wake_handle)
    except OSError as error:
        process.log.warning(
            "can't watch the spool: stages find their work by timer alone", why=error.strerror
        )
        return None
