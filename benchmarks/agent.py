"""An agent to measure: the four stages as real processes, with a spool of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from receiver import Receiver
from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.console import command_writer
from stages.console.context import Context
from stages.scanners.settings import load_settings


class BenchAgent:
    """Started once; runs scans and measures them."""

    def __init__(self, server: Receiver, content: Path, profile: str) -> None:
        self._stack = ExitStack()
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cab")))
        self.config = write_config(self.home, server, content, profile)
        self.context = Context(load_settings(self.config).settings, self.config, json=True)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "BenchAgent":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait()
        self._stack.close()

    @property
    def spool(self) -> Spool:
        return self.context.spool

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def start(self) -> None:
        log = (self.home / "log").open("ab")
        self._processes = [
            subprocess.Popen(message(stage, self.config), stderr=log) for stage in STAGES
        ]
        while not all((self.context.runtime / f"{stage}.sub").exists() for stage in STAGES):
            time.sleep(0.01)

    def scan(self) -> float:
        """Seconds from the request (as `compliance-agent scan` makes it) to the receipt."""
        at = command_writer.now()
        scan_id = new_scan_id("openscap", at)
        request = Request(
            scan_id=scan_id, scanner="openscap", reason=Reason(source="operator", at=at)
        )
        before = time.perf_counter()
        with command_writer.giving(self.context) as commands:
            commands.requests.write(request)
        receipt = self.spool.receipts.path / f"{scan_id}.receipt"
        while not receipt.exists():
            time.sleep(0.002)
        return time.perf_counter() - before

    def oscap_s(self) -> float:
        """Seconds that oscap took in the newest scan."""
        manifest = self.spool.raw.manifest(self.spool.raw.scan_ids()[-1])
        return (manifest.completed_at - manifest.started_at).total_seconds()

    @staticmethod
    def time_to_ready(stage: Stage) -> float:
        """Seconds from the start of a stage's process until it notifies the service manager."""
        with (
            tempfile.TemporaryDirectory(prefix="cab") as directory,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        ):
            home = Path(directory)
            manager.bind(f"{directory}/notify")
            config = write_config(home, None, None, "linux_standard")
            before = time.perf_counter()
            environment = {**os.environ, "NOTIFY_SOCKET": f"{directory}/notify"}
            process = subprocess.Popen(
                message(stage, config), stderr=subprocess.DEVNULL, env=environment
            )
            while manager.recv(4096) != b"READY=1":
                pass
            took = time.perf_counter() - before
            process.terminate()
            process.wait()
        return took


def message(stage: Stage, config: Path) -> list[str]:
    return [sys.executable, "-m", "stages.console.main", "stage", stage, "--config", str(config)]


def write_config(home: Path, server: Receiver | None, content: Path | None, profile: str) -> Path:
    settings: dict[str, Any] = {
        "compliance": {
            "openscap": {"profile": profile, **({"content": str(content)} if content else {})}
        },
        "spool": {"path": str(home / "spool")},
        "runtime_dir": str(home / "run"),
    }
    if server:
        settings["server"] = {"url": server.url}
        settings["api"] = {"id": server.credentials.id, "key": server.credentials.key}
        # No pacing: the pipeline is measured, not the server's limit.
        settings["delivery"] = {"per_minute": 0}
    config = home / "config.yml"
    config.touch(mode=0o600)
    config.write_text(json.dumps(settings))
    return config
