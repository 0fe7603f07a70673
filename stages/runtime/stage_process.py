"""How every stage starts and ends.

Start: settings, spool (owners, modes, lock), doorbell, watch; then ready, and the main loop. SIGHUP
reads the settings at once. End: on SIGTERM or SIGINT, after the step at hand, or after the start.

Wrong settings and a spool that can't be used end the start at once, with an exit code after which
no service manager starts the stage again. An internal error ends the process, whose supervisor
starts it again.

Diagnostics: exit codes of `stages.runtime.exits`; the reason is also the unit's status.
"""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.event import SCAN_EVENTS, EventName
from spool import file_system
from spool.errors import SpoolBusyError, SpoolError, SpoolUnusableError
from spool.layout import AGENT_GROUP, Stage
from spool.spool import Spool
from stages.runtime import settings_file
from stages.runtime.doorbell import Doorbell, DoorbellError, NoDoorbell, ZmqDoorbell
from stages.runtime.exits import Exit
from stages.runtime.heap import Heap
from stages.runtime.logs import Log
from stages.runtime.main_loop import MainLoop, StageHandler, machine_errors
from stages.runtime.process import Process
from stages.runtime.restarts import Restarts
from stages.runtime.sd_notify import Notifier
from stages.runtime.settings_reload import signature

if TYPE_CHECKING:
    from stages.runtime.watch import Watch

SUBSCRIPTIONS: Mapping[Stage, tuple[EventName, ...]] = {
    "trigger": ("CommandGiven", "HostDetected", "ShippingPaused", *SCAN_EVENTS),
    "scan": (
        "CommandGiven",
        "SettingsChanged",
        "ScanRequested",
        "CancellationRequested",
        "DetectionWanted",
    ),
    "parse": ("CommandGiven", "SettingsChanged", "ScanStarted", "ScanFinished"),
    "ship": ("CommandGiven", "SettingsChanged", "ScanFinished", "ReportWritten", "ServerReached"),
}
_RESTARTED = (Exit.BUG, Exit.UNAVAILABLE)
"""Exit codes after which a service manager starts the stage again."""


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
    # Before the note of the start is written: a signal that ended the process would leave it there.
    signals = _StopSignals()
    restarts = Restarts(Path(loaded.settings.runtime_dir), stage, notifier)
    code = Exit.OK
    if restarts.delay_start(log):
        code = _run(stage, make, config, load, notifier, log, signals)
    if code not in _RESTARTED:
        restarts.forget()
    return code


class _StopSignals:
    """SIGTERM and SIGINT from here on. What arrives before `stop` is given is kept: a handler that
    raised could interrupt the start anywhere.
    """

    def __init__(self) -> None:
        self.has_arrived = False
        self._stop: Callable[[], None] = lambda: None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._arrive())

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Call `stop` for each signal that arrives from now on."""
        self._stop = stop

    def _arrive(self) -> None:
        self.has_arrived = True
        self._stop()


def _run(
    stage: Stage,
    make: Callable[[Process], StageHandler],
    config: Path | None,
    load: settings_file.Load,
    notifier: Notifier,
    log: Log,
    signals: _StopSignals,
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
    _report_claim(spool, removed, log)
    heap = Heap()  # before the first thread
    doorbell = _open_doorbell(Path(loaded.settings.runtime_dir), stage, log)
    try:
        with machine_errors():
            process = Process(
                stage,
                loaded.settings,
                loaded.path,
                spool,
                log,
                doorbell,
                load,
                notifier,
                config_seen,
            )
            return _serve(process, make, heap, signals)
    except SpoolError as error:
        return _refuse(error, notifier, log)
    except Exception as error:  # the one broad except: logged, then it is the supervisor's turn
        import traceback  # needed by nothing else here, and large

        log.error(f"internal error, the stage ends: {type(error).__name__}: {error}")
        traceback.print_exc(file=sys.stderr)
        return Exit.BUG
    finally:
        doorbell.close()
        spool.release()


def _report_claim(spool: Spool, removed: Sequence[str], log: Log) -> None:
    weakness = file_system.warning(spool.root)
    if weakness is not None:
        log.warning(weakness)
    if removed:
        log.warning("drafts of an interrupted write removed", count=len(removed))


def _refuse_settings(loaded: settings_file.Loaded, notifier: Notifier, log: Log) -> Exit:
    log.use_stream()
    for problem in loaded.problems:
        log.error("settings are wrong", file=loaded.path, problem=str(problem))
    notifier.notify_status(
        f"settings are wrong: {loaded.path}: {'; '.join(map(str, loaded.problems))}"
    )
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


def _serve(
    process: Process,
    make: Callable[[Process], StageHandler],
    heap: Heap,
    signals: _StopSignals,
) -> Exit:
    signals.on_stop(process.stop)
    if signals.has_arrived:
        process.log.info("stage stopped before its start was complete")
        return Exit.OK
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


def _open_doorbell(runtime: Path, stage: Stage, log: Log) -> Doorbell:
    try:
        runtime.mkdir(mode=0o750, parents=True, exist_ok=True)
        doorbell = ZmqDoorbell(runtime, stage, SUBSCRIPTIONS[stage])
    except OSError as error:
        reason = f"{runtime}: {error.strerror}"
    except DoorbellError as error:
        reason = str(error)
    else:
        _report_denied(doorbell, log)
        return doorbell
    log.warning("no doorbell: work is found by the timer, a little later", reason=reason)
    return NoDoorbell()


def _report_denied(doorbell: ZmqDoorbell, log: Log) -> None:
    for path in doorbell.denied():
        log.warning(
            "the events of another stage do not arrive: its socket is not for this user; work is "
            "found by the timer, a little later",
            socket=path,
            action=f"chgrp {AGENT_GROUP} {path} && chmod 0660 {path}",
        )


def _start_watch(process: Process) -> "Watch | None":
    """Only `trigger` has one: what people put there, commands and settings, comes to it first.

    Doorbell and timer are enough for the other stages. A watch is some threads and 2 MB a process.
    """
    if process.stage != "trigger":
        return None
    from stages.runtime.watch import Watch

    files = []
    if process.config:
        files.append(process.config)
    try:
        return Watch(process.sources, files, process.wake_handle)
    except OSError as error:
        process.log.warning(
            "the commands can't be watched: they are found by doorbell and timer",
            reason=error.strerror,
        )
        return None
