"""The receiver as a process of its own that can be killed, and what its database holds."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

API_ID, API_KEY = "patchmon_torture", "f" * 64
HEADERS = {"X-API-ID": API_ID, "X-API-KEY": API_KEY}
_START_LIMIT_S = 60.0


class ServerProcess:
    """`python -m receiver` with a database in a file."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.database = home / "receiver.db"
        self._key = home / "key"
        self._key.write_text(API_KEY)
        self._key.chmod(0o600)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it accepts connections."""
        command = [sys.executable, "-m", "receiver", "--listen", f"127.0.0.1:{self.port}"]
        command += ["--database", str(self.database), "--api-id", API_ID]
        command += ["--api-key-file", str(self._key), "--posts-per-minute", "100000"]
        with (self._home / "receiver.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + _START_LIMIT_S
        while not self._accepts():
            if time.monotonic() > end:
                raise RuntimeError(f"the receiver does not start: see {self._home}/receiver.log")
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def send(self, message: Mapping[str, Any]) -> bool:
        """A command to the agent; whether the server has sent it."""
        url = f"http://127.0.0.1:{self.port}/_send"
        with contextlib.suppress(requests.RequestException):
            return requests.post(url, json=message, headers=HEADERS, timeout=5).ok
        return False

    def posts(self) -> list[dict[str, Any]]:
        """Every submission with 200, oldest first: time, key, profile name and status."""
        query = "SELECT received_at, idempotency_key, body FROM posts WHERE status = 200"
        return [_post(row) for row in self._rows(f"{query} ORDER BY post_id")]

    def scans(self) -> list[dict[str, Any]]:
        """The rows that an administrator sees."""
        return [dict(row) for row in self._rows("SELECT * FROM scans")]

    def _rows(self, query: str) -> list[sqlite3.Row]:
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            database.row_factory = sqlite3.Row
            return list(database.execute(query))

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)


def _post(row: sqlite3.Row) -> dict[str, Any]:
    body = json.loads(row["body"])
    return {
        "at": row["received_at"],
        "scan_id": row["idempotency_key"],
        "profile": body["profile_name"],
        "status": body["status"],
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
