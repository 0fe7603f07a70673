"""The four real stage processes, started and killed by tests."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.ids import ScanId, new_scan_id
from schemas.receipt import Receipt
from schemas.report import Report
from schemas.request import Reason, Request
from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.console.command_writer import now
from stages.scanners.openscap.content import EVERY_RESULT

PROFILE = "xccdf_io.github.compliance-agent.every-result_profile_every_result"
PATIENCE_S = 60.0


def until(condition: Callable[[], object], what: str, limit_s: float = PATIENCE_S) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"after {limit_s} s still not: {what}"
        time.sleep(0.02)


@dataclass
class Agent:
    """A spool with its settings, and the stages that work on it."""

    home: Path
    settings: dict[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    module: str = "stages.console.main"
    """The program."""
    processes: dict[Stage, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.home / "config.yml"

    @property
    def spool(self) -> Spool:
        return Spool(self.home / "spool")

    def configure(self, **changes: Any) -> None:
        """Write the settings (JSON is YAML)."""
        self.settings.update(changes)
        temporary = self.home / "config.new"
        temporary.write_text(json.dumps(self.settings))
        temporary.chmod(0o600)
        temporary.rename(self.config)

    def start(self, *stages: Stage) -> None:
        for stage in stages or STAGES:
            log = (self.home / f"{stage}.log").open("ab")
            self.processes[stage] = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    self.module,
                    "stage",
                    stage,
                    "--config",
                    str(self.config),
                ],
                stderr=log,
                stdout=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
            log.close()

    def kill(self, stage: Stage, number: signal.Signals = signal.SIGKILL) -> None:
        process = self.processes.pop(stage)
        process.send_signal(number)
        process.wait(timeout=40)

    def stop(self) -> None:
        for stage in list(self.processes):
            with contextlib.suppress(ProcessLookupError):
                self.processes[stage].send_signal(signal.SIGTERM)
        for stage in list(self.processes):
            try:
                self.processes.pop(stage).wait(timeout=30)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{stage} does not stop: {self.log(stage)}") from None

    def ask(self, profile: str | None = None) -> ScanId:
        """As `compliance-agent scan`, but without an event: the stages must find the command."""
        at = now()
        scan_id = new_scan_id("openscap", at)
        reason = Reason(source="operator", at=at)
        self.spool.prepare()
        request = Request(scan_id=scan_id, scanner="openscap", profile=profile, reason=reason)
        self.spool.commands.requests.write(request)
        return scan_id

    def run(self, *message: str, code: int | None = 0, limit_s: float = 120) -> str:
        """A command of the console; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, *message, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=limit_s,
            env={**os.environ, **self.environment},
            check=False,
        )
        assert code is None or done.returncode == code, (
            f"{message}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def received(self, scan_id: ScanId) -> bool:
        return scan_id in self.spool.receipts.ids()

    def reported(self, scan_id: ScanId) -> bool:
        return scan_id in self.spool.reports.ids()

    def report(self, scan_id: ScanId) -> Report:
        return self.spool.reports.read(scan_id)

    def receipt(self, scan_id: ScanId) -> Receipt:
        return self.spool.receipts.read(scan_id)

    def log(self, stage: Stage) -> str:
        path = self.home / f"{stage}.log"
        return path.read_text() if path.exists() else ""

    @property
    def logs(self) -> str:
        return "".join(f"--- {stage}\n{self.log(stage)}" for stage in STAGES)


@contextlib.contextmanager
def an_agent(server: Any = None, **environment: str) -> Iterator[Agent]:
    """An agent in a directory with a short name, which sockets need; logs shown on failure."""
    with tempfile.TemporaryDirectory(prefix="ca") as directory:
        home = Path(directory)
        settings: dict[str, Any] = {
            "compliance": {"openscap": {"content": str(EVERY_RESULT), "profile": PROFILE}},
            "spool": {"path": str(home / "spool"), "check_every_s": 1.0, "min_free_mib": 1},
            "runtime_dir": str(home / "run"),
        }
        if server is not None:
            settings["server"] = {"url": server.url}
            settings["api"] = {"id": server.credentials.id, "key": server.credentials.key}
        agent = Agent(home, settings, environment)
        agent.configure()
        try:
            yield agent
        except BaseException:
            sys.stderr.write(agent.logs)
            raise
        finally:
            for process in agent.processes.values():
                # The process id of one that was waited for may belong to another process by now.
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
