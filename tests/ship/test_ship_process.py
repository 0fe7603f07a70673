"""The real process: killed at any moment of an upload, stopped, and left without a network."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.destination import Destination
from schemas.receipt import Receipt
from spool.spool import Spool
from tests.patchmon.scripted_server import (
    Early,
    ScriptedServer,
    accepted,
    raw,
    reply,
    reset,
    serving,
    silence,
    until,
)
from tests.ship.ship_spool import KEY, report, rules, scan_id

pytestmark = pytest.mark.slow


class ShipProcess:
    """`compliance-agent stage ship` on a spool of its own."""

    def __init__(self, root: Path, url: str) -> None:
        self.spool = Spool(root / "spool")
        self.spool.prepare()
        self._config = root / "config.yml"
        self._config.write_text(
            f"server: {{url: '{url}'}}\napi: {{id: patchmon_1, key: '{KEY}'}}\ndelivery: "
            "{per_minute: 0}\n"
            f"spool: {{path: {root}/spool, check_every_s: 0.1}}\nruntime_dir: {root}/run\n"
        )
        self._config.chmod(0o640)
        self._log = (root / "log").open("ab")
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "stages.console.main",
            "stage",
            "ship",
            "--config",
            str(self._config),
        ]
        self.popen = subprocess.Popen(command, stderr=self._log)

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.popen
        os.kill(self.popen.pid, number)

    def end(self) -> int:
        assert self.popen
        return self.popen.wait(20)

    def put(self, *numbers: int, length: int = 20) -> None:
        for number in numbers:
            self.spool.reports.write(report(number, results=rules(200, length)))

    def receipts(self) -> dict[str, Receipt]:
        ids = self.spool.receipts.ids()
        return {i: self.spool.receipts.read(i) for i in ids}

    def close(self) -> None:
        if self.popen and self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        self._log.close()


@pytest.fixture
def ship(tmp_path: Path, server: ScriptedServer) -> Iterator[ShipProcess]:
    one = ShipProcess(tmp_path, server.url)
    yield one
    one.close()


def killing_after(
    ship: ShipProcess, answer: Callable[[Any], object], delay_s: float = 0.0
) -> Callable[[Any], object]:
    def answer_and_kill(connection: Any) -> bool:
        answer(connection)
        # Not waiting for a condition: the moments between an answer and its receipt are what is
        # tried.
        time.sleep(delay_s)
        ship.kill()
        return False

    return answer_and_kill


def nothing(connection: Any) -> None:
    """No reply."""


def after_the_reply(delay_ms: int) -> Callable[[ShipProcess], Any]:
    return lambda ship: killing_after(ship, accepted, delay_ms / 1000)


MOMENTS: dict[str, Callable[[ShipProcess], Any]] = {
    "at the first byte": lambda ship: Early(0, killing_after(ship, nothing)),
    "in mid body": lambda ship: Early(50_000, killing_after(ship, nothing)),
    "after the body": lambda ship: killing_after(ship, nothing),
    "in mid reply": lambda ship: killing_after(
        ship, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    ),
    **{f"{delay} ms after the reply": after_the_reply(delay) for delay in (0, 1, 2, 4, 8, 16)},
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_of_an_upload_nothing_is_lost_and_the_order_holds(
    ship: ShipProcess, server: ScriptedServer, moment: str
) -> None:
    # More than are sent within the milliseconds before a kill.
    numbers = range(1, 13)
    ship.put(*numbers, length=200)
    # The second upload is the one that meets the kill; then the first one after the restart.
    server.answer(accepted)
    for _ in range(2):
        server.answer(MOMENTS[moment](ship))
        ship.start()
        assert ship.end() == -signal.SIGKILL
    ship.start()
    until(lambda: len(ship.receipts()) == len(numbers), what="all receipts")
    assert {receipt.answer for receipt in ship.receipts().values()} == {"accepted"}
    assert server.scan_ids == sorted(server.scan_ids)
    assert set(server.scan_ids) == {scan_id(number) for number in numbers}


def test_stopped_in_mid_upload_it_ends_within_seconds_and_sends_again(
    ship: ShipProcess, server: ScriptedServer
) -> None:
    server.answer(silence)
    ship.put(1)
    ship.start()
    until(lambda: server.requests)
    began = time.monotonic()
    ship.kill(signal.SIGTERM)
    assert ship.end() == 0
    assert time.monotonic() - began < 5
    ship.start()
    until(lambda: len(ship.receipts()) == 1)
    assert server.scan_ids == [scan_id(1)] * 2


def test_an_answer_that_comes_in_the_last_moment_is_still_read(
    ship: ShipProcess, server: ScriptedServer
) -> None:
    def stop_then_accept(connection: Any) -> bool:
        ship.kill(signal.SIGTERM)
        return bool(accepted(connection))

    server.answer(stop_then_accept)
    ship.put(1)
    ship.start()
    assert ship.end() == 0
    assert ship.receipts()[scan_id(1)].answer == "accepted"


def test_at_rest_it_stops_at_once(ship: ShipProcess, server: ScriptedServer) -> None:
    ship.put(1)
    ship.start()
    until(lambda: len(ship.receipts()) == 1)
    began = time.monotonic()
    ship.kill(signal.SIGTERM)
    assert ship.end() == 0
    assert time.monotonic() - began < 5


def test_with_the_server_away_it_backs_off_and_delivers_when_it_is_back(tmp_path: Path) -> None:
    with serving() as first:
        port = first.port
    ship = ShipProcess(tmp_path, f"http://127.0.0.1:{port}")
    ship.put(1, 2)
    ship.start()
    noted: list[Destination | None] = []

    def backing_off() -> bool:
        noted.append(ship.spool.state_store("ship").read("destination", Destination))
        return noted[-1] is not None and noted[-1].state == "backing off"

    until(backing_off)
    with serving(port=port) as server:
        until(lambda: len(ship.receipts()) == 2, 30)
        assert server.scan_ids == [scan_id(1), scan_id(2)]
    ship.close()


def test_the_modules_of_the_stage_do_not_load_the_http_library(ship: ShipProcess) -> None:
    code = (
        "import sys, stages.ship.stage, stages.runtime.stage_process;"
        "print([name for name in ('requests', 'urllib3', 'tenacity') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_sending_process_gets_no_secret_on_its_command_line_and_ends_at_rest(
    ship: ShipProcess, server: ScriptedServer
) -> None:
    commands: list[bytes] = []

    def look(connection: Any) -> bool:
        commands.extend(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
        return bool(accepted(connection))

    server.answer(look)
    ship.put(1)
    ship.start()
    until(lambda: len(ship.receipts()) == 1)
    workers = [command for command in commands if b"stages.patchmon.http_worker" in command]
    assert workers
    assert not any(KEY.encode() in command for command in commands)
    assert ship.popen
    children = Path(f"/proc/{ship.popen.pid}/task/{ship.popen.pid}/children")
    until(lambda: not children.read_text().strip(), 30, "the end of the sending process")


def test_a_report_that_appears_is_shipped_without_waiting_for_the_timer(
    ship: ShipProcess, server: ScriptedServer
) -> None:
    ship.start()
    until(lambda: ship.spool.is_running("ship"))
    server.answer(reset, reply(503))
    ship.put(1)
    until(lambda: len(ship.receipts()) == 1, 30)
