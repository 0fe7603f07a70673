"""The tortured host: `compliance-agent run` on a spool, and its operator.

The program is the real one, with the example scanner added to every process of it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from schemas.ids import ScanId, next_scan_id
from schemas.request import Reason, Request
from spool.spool import Spool
from stages.console.command_writer import now
from stages.scanners.openscap.content import EVERY_RESULT
from tests.torture.processes import Running, await_end, tree
from tests.torture.server import API_ID, API_KEY

_ROOT = Path(__file__).parent.parent.parent
_SCRIPT = _ROOT / "tests/example_scanner/line-check.sh"
_END_LIMIT_S = 90.0
_COMMAND_LIMIT_S = 60.0
_ADDED = "import tests.example_scanner.registered\n"
"""`sitecustomize.py`: Python runs it at the start of every process."""

LINE_CHECK, OPENSCAP = "line-check", "openscap"
PROFILES = ("all_pass", "every_result", "nothing_applies", "fails", "slow")
"""Profiles of the test content: completed scans, failed ones, and one that takes a second."""


class Host:
    """An agent that is killed and started again."""

    def __init__(self, home: Path, spool: Path, server_url: str) -> None:
        self.home = home
        self.spool = Spool(spool)
        self.has_oscap = shutil.which("oscap") is not None
        self.environment: dict[str, str] = {}
        """Beside that of this process."""
        self._process: subprocess.Popen[bytes] | None = None
        self._config = home / "config.yml"
        self._site = home / "site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(_ADDED)
        # Sockets need short paths.
        self._runtime = Path(tempfile.mkdtemp(prefix="ca"))
        self._configure(server_url)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._runtime, ignore_errors=True)

    def start(self) -> None:
        """Start `run`, in the same way as a terminal would."""
        with (self.home / "agent.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_PROGRAM, "run", "--config", str(self._config)],
                stdout=log,
                stderr=log,
                env=self._variables(self.environment),
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def processes(self) -> list[Running]:
        """`run`, the stages, and their children."""
        if self._process is None:
            return []
        return list(tree(self._process.pid))

    def stop(self) -> list[Running]:
        """End it by SIGTERM; the processes that outlive it."""
        before = self.processes()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_END_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        return self._outliving(before, 5.0)

    def kill(self) -> list[Running]:
        """SIGKILL for `run` alone; the processes that outlive it by seconds."""
        before = self.processes()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        return self._outliving(before, 10.0)

    def _outliving(self, before: list[Running], limit_s: float) -> list[Running]:
        """Those that are still there after so long; they are ended."""
        left = await_end(before, limit_s)
        self._end(left)
        return left

    def kill_all(self) -> None:
        """SIGKILL for everything at once, as by a power cut."""
        before = self.processes()
        for process in before:
            process.send(signal.SIGKILL)
        self.kill()
        self._end(before)

    def request(self, scanner: str, profile: str | None) -> ScanId:
        """An operator's request, without an event. Raises SpoolError."""
        at = now()
        scan_id = next_scan_id(scanner, at, self.spool.newest_scan_id())
        reason = Reason(source="operator", at=at)
        request = Request(scan_id=scan_id, scanner=scanner, profile=profile, reason=reason)
        self.spool.commands.requests.write(request)
        return scan_id

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the operator, as a process."""
        return subprocess.run(
            [*_PROGRAM, *words, "--config", str(self._config)],
            capture_output=True,
            text=True,
            timeout=_COMMAND_LIMIT_S,
            env=self._variables({}),
            check=False,
        )

    def release_spool(self) -> None:
        """Close the directories that this process holds open."""
        self.spool.release()

    @property
    def log(self) -> str:
        with contextlib.suppress(OSError):
            return (self.home / "agent.log").read_text(errors="replace")
        return ""

    def _end(self, processes: list[Running]) -> None:
        for process in processes:
            process.send(signal.SIGKILL)
        await_end(processes, 10.0)

    def _variables(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": f"{self._site}:{_ROOT}", **more}

    def _configure(self, server_url: str) -> None:
        settings: dict[str, Any] = {
            "server": {"url": server_url},
            "api": {"id": API_ID, "key": API_KEY},
            "spool": {"path": str(self.spool.root), "check_every_s": 1.0, "min_free_mib": 8},
            "runtime_dir": str(self._runtime),
            "delivery": {"per_minute": 0},
            "compliance": {
                "openscap": {
                    "enabled": self.has_oscap,
                    "content": str(EVERY_RESULT),
                    "profile": "all_pass",
                    "time_limit_s": 30,
                },
                "docker_bench": {"enabled": False},
                "line_check": {"script": str(_SCRIPT), "schedule": "* * * * *"},
                "schedules": {"splay_s": 0},
            },
        }
        # JSON is YAML.
        self._config.write_text(json.dumps(settings))
        self._config.chmod(0o600)


_PROGRAM = (sys.executable, "-m", "stages.console.main")


def until(condition: Callable[[], object], limit_s: float) -> bool:
    """Wait for a condition; whether it was met."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
