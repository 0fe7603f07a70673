"""The four real stages on a real spool, all in the test's own process: each is run when the test
says so, with a clock of the test's, and dies at any operation on a file.

Scans are those of the example scanner; the server is one over real sockets.
"""

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.bundle import Bundle
from schemas.command import Import, Replay, Retry
from schemas.ids import ScanId, next_scan_id
from schemas.report import Report
from schemas.request import Cancellation, Reason, Request
from schemas.settings import Settings
from spool import bundle
from spool.entries import seal_report
from spool.errors import SpoolError
from spool.layout import STAGES, Stage, new_command_id
from spool.spool import Spool
from stages.parse.stage import ParseStage
from stages.runtime import maintenance
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.main_loop import StageHandler
from stages.runtime.maintenance import DamageCheck
from stages.runtime.process import Process
from stages.scan.stage import ScanStage
from stages.scanners.settings import check_settings
from stages.ship.stage import ShipStage
from stages.trigger.request_writer import RequestWriter
from stages.trigger.stage import TriggerStage
from tests.patchmon.scripted_server import ACCEPTED, ScriptedServer, reply, reset

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SCANNER = "line-check"
SCRIPTS: Mapping[str, str] = {
    "passes": "echo 'line-check|one|The first line|pass' > \"$1\"",
    "fails a rule": "echo 'line-check|one|The first line|fail' > \"$1\"",
    "ends with an error": "exit 3",
    "writes nonsense": 'echo nonsense > "$1"',
}


class Died(BaseException):
    """In the place of SIGKILL: no `except Exception` of the agent sees it."""


@dataclass
class _Fault:
    """The operations on files after which this thread dies."""

    left: int | None = None
    thread: int | None = None


_fault = _Fault()
_CHANGES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"})


def _count(event: str, arguments: tuple[Any, ...]) -> None:
    if _fault.left is None or threading.get_ident() != _fault.thread:
        return
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
    if not writes and event not in _CHANGES:
        return
    if _fault.left == 0:
        _fault.left = None
        raise Died
    _fault.left -= 1


sys.addaudithook(_count)


@contextmanager
def dying_after(operations: int) -> Iterator[None]:
    """Whatever runs in it dies before it changes a file for the next time."""
    _fault.left, _fault.thread = operations, threading.get_ident()
    try:
        with suppress(Died):
            yield
    finally:
        _fault.left = None


class Server(ScriptedServer):
    """A server with moods, which remembers what it has stored."""

    def __init__(self) -> None:
        self.mood = "fair"
        self.stored: list[tuple[str, str]] = []
        """The name under which a scan is filed, and its id."""
        super().__init__(otherwise=self._mood)

    def _mood(self, connection: Any) -> object:
        if self.mood == "away":
            return reset(connection)
        if self.mood == "failing":
            return reply(503, {"error": "no database"})(connection)
        request = self.requests[-1]
        if self.mood == "refusing":
            return reply(422, {"error": "Invalid scan"})(connection)
        self.stored.append((request.json["profile_name"], request.scan_id))
        if self.mood == "forgets to answer":
            return reset(connection)
        return reply(200, ACCEPTED)(connection)


@dataclass
class Clock:
    """The time of day, and that which only goes forward."""

    wall: datetime = START
    elapsed_s: float = 0.0

    def __call__(self) -> float:
        return self.elapsed_s


class _Process(Process):
    clock: Clock

    def now(self) -> datetime:
        return self.clock.wall


@dataclass
class _Running:
    """A stage that has been started."""

    process: _Process
    handler: StageHandler
    damage_check: DamageCheck


@dataclass
class Pipeline:
    """The stages, the operator, and two servers of which one is configured."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    servers: tuple[Server, Server] = field(default_factory=lambda: (Server(), Server()))
    server: int = 0
    log: io.StringIO = field(default_factory=io.StringIO)
    _running: dict[Stage, _Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)
        self.script = self.root / "line-check.sh"
        self.let_scans("passes")
        self.spool = Spool(self.root / "spool")
        self.spool.prepare()

    # --- the stages ---

    def run(self, stage: Stage) -> None:
        """One pass of its main loop; it is started where it does not run."""
        running = self._running.get(stage) or self._start(stage)
        running.process.settings = self.settings(stage)
        if stage == "ship":
            # No test waits for a back-off.
            at = self.clock.wall
            self.spool.commands.retries.write(new_command_id(at), Retry(at=at))
        running.damage_check.run_once(self.clock.wall)
        with suppress(SpoolError):
            running.handler.run_once()

    def restart(self) -> None:
        """All stages, each with the maintenance that follows its first pass."""
        for stage in STAGES:
            self.stop(stage)
        for stage in STAGES:
            self.run(stage)
            spool = self._running[stage].process.spool
            maintenance.forget_damage(spool, stage)
            maintenance.forget_attempts(spool, stage)

    def run_and_die(self, stage: Stage, operations: int) -> None:
        """It dies after so many changes of files; if it made fewer, it dies at rest."""
        with dying_after(operations):
            self.run(stage)
        self.stop(stage)

    def stop(self, stage: Stage) -> None:
        running = self._running.pop(stage, None)
        if running is not None:
            running.handler.close()
            running.process.spool.release()
            os.close(running.process.wake_handle)

    def close(self) -> None:
        for stage in STAGES:
            self.stop(stage)
        for server in self.servers:
            server.close()
        self.spool.release()

    def settings(self, stage: Stage) -> Settings:
        # The connection for commands has a thread of its own: they are given by `from_the_server`.
        url = None if stage == "trigger" else self.servers[self.server].url
        found, problems = check_settings(
            {
                "server": {"url": url},
                "api": {"id": "patchmon_1", "key": "the-secret-key-0123456789"},
                "delivery": {"per_minute": 0},
                "spool": {"path": str(self.root / "spool"), "min_free_mib": 1},
                "runtime_dir": str(self.root / "run"),
                "compliance": {
                    "schedules": {"splay_s": 0, "time_zone": "UTC"},
                    "openscap": {"enabled": False},
                    "docker_bench": {"enabled": False},
                    "line_check": {
                        "enabled": True,
                        "schedule": "0 3 * * *",
                        "script": str(self.script),
                    },
                },
            }
        )
        assert not problems, problems
        return found

    def _start(self, stage: Stage) -> _Running:
        spool = Spool(self.root / "spool")
        try:
            spool.claim(stage)
            log = Log(stage, "debug", self.log)
            process = _Process(stage, self.settings(stage), None, spool, log, NoDoorbell())
            process.clock = self.clock
            handler = self._handler(stage, process)
            running = _Running(process, handler, DamageCheck(spool, stage, log))
        except BaseException:
            # The end of a process would do that.
            spool.release()
            raise
        self._running[stage] = running
        return running

    def _handler(self, stage: Stage, process: Process) -> StageHandler:
        if stage == "ship":
            return ShipStage(process, self.clock)
        handlers: dict[Stage, Callable[[Process], StageHandler]] = {
            "trigger": TriggerStage,
            "scan": ScanStage,
            "parse": ParseStage,
        }
        return handlers[stage](process)

    # --- requests ---

    def from_the_operator(self) -> ScanId:
        at = self.clock.wall
        scan_id = next_scan_id(SCANNER, at, self.spool.newest_scan_id())
        reason = Reason(source="operator", at=at)
        self.spool.commands.requests.write(Request(scan_id=scan_id, scanner=SCANNER, reason=reason))
        return scan_id

    def from_the_server(self) -> None:
        writer = self._writer()
        writer.write(writer.make(SCANNER, None, Reason(source="server", at=self.clock.wall)))

    def server_cancels(self) -> None:
        self._writer().cancel_all(Reason(source="server", at=self.clock.wall))

    def operator_cancels(self, scan_id: ScanId) -> None:
        reason = Reason(source="operator", at=self.clock.wall)
        cancellation = Cancellation(scan_ids=(scan_id,), reason=reason)
        self.spool.commands.cancellations.write(new_command_id(self.clock.wall), cancellation)

    def _writer(self) -> RequestWriter:
        running = self._running.get("trigger") or self._start("trigger")
        return RequestWriter(running.process)

    # --- the operator ---

    def let_scans(self, outcome: str) -> None:
        self.script.write_text(SCRIPTS[outcome])

    def replay(self, scan_id: ScanId, step: Any, *, force: bool) -> None:
        command_id = new_command_id(self.clock.wall)
        replay = Replay(step=step, scan_ids=(scan_id,), at=self.clock.wall, force=force)
        self.spool.commands.replays.write(command_id, replay)

    def import_report(self, report: Report) -> None:
        assert report.scan_id
        command_id = new_command_id(self.clock.wall)
        entry = seal_report(report)
        index = Bundle(
            origin="0" * 64,
            hostname="offsite",
            exported_at=self.clock.wall,
            agent_version="1",
            reports=(bundle.listed(report.scan_id, entry),),
        )
        packed = io.BytesIO()
        bundle.write(packed, index, [entry])
        self.spool.commands.write_bundle(command_id, [packed.getvalue()])
        self.spool.commands.imports.write(command_id, Import(at=self.clock.wall))

    def pass_time(self, hours: float) -> None:
        """The time of day may also go back."""
        self.clock.wall += timedelta(hours=hours)
        self.clock.elapsed_s += max(hours, 1) * 3600
