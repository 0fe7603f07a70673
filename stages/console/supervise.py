"""`run`: all four stages in the foreground, each restarted when it dies.

A stage that refuses its first start (wrong settings, an unusable spool, another instance) ends the
whole run with its exit code: a restart would not help. A stage that has run and ends is started
again, whatever ended it, after 0.5 s, doubling to 30 s while it keeps ending; the others go on. One
that does not work for three minutes is killed first.
"""

import argparse
import signal
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import TextIO

from schemas.records import Struct, field
from spool.errors import is_of_the_machine, of_the_machine
from spool.layout import STAGES, Stage
from stages.console.context import Context
from stages.runtime import supervised
from stages.runtime.exits import Exit
from stages.runtime.heartbeat import LastHeartbeat, read_heartbeat
from stages.runtime.logs import Log
from stages.runtime.worker import IMPORTED_FIRST
from stages.scanners.launch import parent_death_signal

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_HEALTHY_AFTER_S = 60.0
_STOP_LIMIT_S = 30.0
_HANGS_AFTER_S = 180.0
_REFUSALS = frozenset({Exit.USAGE, Exit.UNUSABLE, Exit.BUSY})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    log = Log("run", context.settings.log.level, as_json=context.json)
    _make_directories(context)
    supervisor = Supervisor(context.config, context.runtime, log, as_json=context.json)
    numbers = [signal.SIGTERM, signal.SIGINT]
    # A closed terminal ends the run, unless it was started with nohup.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        signal.signal(number, lambda *_: supervisor.stop())
    try:
        return supervisor.serve()
    finally:
        supervisor.end()


def _make_directories(context: Context) -> None:
    """Make the directories above the spool and for the sockets. Where that fails, the stages report
    the reason.
    """
    for path in (context.spool.root.parent, context.runtime):
        with suppress(OSError):
            path.mkdir(mode=0o750, parents=True, exist_ok=True)


def _program() -> list[str]:
    """The agent, with the scanners that a module of another program has registered in this one."""
    if not IMPORTED_FIRST:
        return [sys.executable, "-m", "stages.console.main"]
    imports = ", ".join(["sys", *IMPORTED_FIRST])
    start = "from stages.console.main import main; sys.exit(main())"
    return [sys.executable, "-c", f"import {imports}; {start}"]


class SupervisedStage(Struct):
    """One stage, its process, and whether that works."""

    stage: Stage
    popen: "Popen[bytes] | None" = None
    started: float = 0.0
    delay_s: float = _FIRST_DELAY_S
    due: float = field(default_factory=time.monotonic)
    has_run: bool = False
    """Whether it has worked since this run began."""
    last_worked: datetime | None = None
    """Its last heartbeat; None before the first."""
    seen: float = 0.0
    """When that heartbeat was seen first."""

    def notice(self, heartbeat: LastHeartbeat | None, now: float) -> None:
        """Record a new heartbeat of its process, with the monotonic time at which it was seen: the
        clock of the host may jump.
        """
        if self.popen is None:
            return
        if heartbeat is None or heartbeat.pid != self.popen.pid:
            # Its file was removed, or is not made yet: that does not mean that it hangs.
            self.seen = now
            return
        if heartbeat.at != self.last_worked:
            self.last_worked, self.seen, self.has_run = heartbeat.at, now, True

    def is_silent_for(self, seconds: float, now: float) -> bool:
        return self.last_worked is not None and now - self.seen > seconds


class Supervisor:
    """The four stage processes."""

    def __init__(
        self,
        config: Path | None,
        runtime: Path,
        log: Log,
        output: TextIO | None = None,
        *,
        as_json: bool = False,
        hangs_after_s: float = _HANGS_AFTER_S,
    ) -> None:
        """`runtime`: where the stages show that they work.

        `output`: where they write their logs; None: the standard error of this process.
        """
        self._options = []
        if config:
            self._options += ["--config", str(config)]
        if as_json:
            self._options.append("--json")
        self._runtime = runtime
        self._log = log
        self._output = output
        self._hangs_after_s = hangs_after_s
        self._stopping = False
        self._children = list(map(SupervisedStage, STAGES))

    def stop(self) -> None:
        self._stopping = True

    def serve(self) -> Exit:
        """Keep all four running until `stop`, or until a stage refuses to run: its exit code."""
        while not self._stopping:
            refused = self.check()
            if refused is not None:
                return refused
            time.sleep(0.2)
        return Exit.OK

    def check(self) -> Exit | None:
        """Start the stages that are due, restart those that ended. The exit code of a refusal."""
        now = time.monotonic()
        for child in self._children:
            popen = child.popen
            if popen is None:
                if now >= child.due:
                    self._start(child)
                continue
            child.notice(read_heartbeat(self._runtime, child.stage), now)
            code = popen.poll()
            if code is None:
                if child.is_silent_for(self._hangs_after_s, now):
                    self._kill(child.stage, popen)
                continue
            child.popen = child.last_worked = None
            if code in _REFUSALS and not child.has_run:
                self._log.error(f"the {child.stage} stage refuses to run: see above", exit=code)
                return Exit(code)
            self._died(child, code)
        return None

    def _kill(self, stage: Stage, popen: "Popen[bytes]") -> None:
        self._log.error(f"the {stage} stage does not respond: killing it", pid=popen.pid)
        popen.kill()

    def end(self) -> None:
        """Stop all; kill those that do not stop in time."""
        running = [child.popen for child in self._children if child.popen]
        for popen in running:
            popen.terminate()
        end = time.monotonic() + _STOP_LIMIT_S
        for popen in running:
            try:
                popen.wait(max(0.1, end - time.monotonic()))
            except TimeoutExpired:
                popen.kill()
                popen.wait()

    def _start(self, child: SupervisedStage) -> None:
        command = [*parent_death_signal(), *_program(), "stage", child.stage, *self._options]
        # Its own session: a Ctrl-C reaches this process alone, which then stops all four in order.
        child.started = time.monotonic()
        try:
            child.popen = Popen(
                command,
                start_new_session=True,
                stderr=self._output,
                env=supervised.environment(),
            )
        except OSError as error:
            if not is_of_the_machine(error):
                raise
            self._log.error(str(of_the_machine(f"the {child.stage} stage can't be started", error)))
            child.due = child.started + _LONGEST_DELAY_S

    def _died(self, child: SupervisedStage, code: int) -> None:
        now = time.monotonic()
        if now - child.started > _HEALTHY_AFTER_S:
            child.delay_s = _FIRST_DELAY_S
        how = f"with exit code {code}"
        if code < 0:
            how = f"by signal {-code}"
        self._log.warning(f"the {child.stage} stage ended {how}: restarting", in_s=child.delay_s)
        child.due = now + child.delay_s
        child.delay_s = min(child.delay_s * 2, _LONGEST_DELAY_S)
