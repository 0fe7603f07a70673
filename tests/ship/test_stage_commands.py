"""What the operator and the server command: replays, retries, and the wait after a command of the
server.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from schemas.destination import ShipState
from schemas.ids import ScanId, new_scan_id, next_scan_id
from schemas.request import Cancellation, Reason, Request, Source
from spool.layout import new_command_id
from tests.patchmon.scripted_server import ScriptedServer, reply, sent
from tests.ship.ship_spool import START, Ship, report, rules, scan_id

pytestmark = pytest.mark.slow


class TestReplay:
    """Sending again what was sent."""

    def test_replay_ship_sends_the_same_report_again_and_keeps_the_old_receipt(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.run_once()
        command = ship.replay(1)
        ship.run_once(2)
        assert sent(server) == [1, 1]
        assert ship.spool.receipts.archived() == [f"{scan_id(1)}.receipt~{command}"]

    def test_replay_parse_waits_until_the_old_report_is_gone(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.run_once()
        command = ship.replay(1, step="parse")
        ship.run_once()
        assert sent(server) == [1]
        ship.spool.reports.archive(f"{scan_id(1)}.report", command)
        ship.run_once()
        assert ship.answers == {}
        ship.put(report(1, results=rules(5)))
        ship.run_once()
        assert sent(server) == [1, 1]
        assert len(server.requests[1].json["results"]) == 5

    def remove(self, directory: Path) -> None:
        for path in directory.iterdir():
            path.unlink()

    @pytest.mark.parametrize("running", [True, False])
    @pytest.mark.parametrize("step", ["ship", "parse"])
    def test_an_applied_replay_stays_applied_without_history_and_receipts(
        self, ship: Ship, server: ScriptedServer, step: str, running: bool
    ) -> None:
        ship.put(report(1))
        ship.run_once()
        command = ship.replay(1, step=step)
        if step == "parse":
            ship.spool.reports.archive(f"{scan_id(1)}.report", command)
            ship.put(report(1))
        ship.run_once()
        assert sent(server) == [1, 1]
        if not running:
            ship.close()
        self.remove(ship.spool.root / "history" / "receipts")
        self.remove(ship.spool.receipts.path)
        if not running:
            ship.start()
        # A report without a receipt is sent, but once.
        ship.run_once(4)
        assert sent(server) == [1, 1, 1]

    def test_so_it_does_when_they_are_removed_while_the_server_is_away(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.run_once()
        server.answer(reply(503), reply(503))
        ship.replay(1)
        ship.run_once()
        self.remove(ship.spool.root / "history" / "receipts")
        ship.restart()
        ship.run_once(4)
        assert sent(server) == [1, 1, 1, 1]

    def test_what_is_to_be_forced_stays_so_while_the_server_is_away(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2))
        ship.run_once()
        server.answer(reply(503))
        command = ship.replay(1, force=True)
        ship.run_once()
        ship.spool.commands.remove(f"{command}.replay")
        ship.restart()
        ship.run_once()
        assert sent(server) == [1, 2, 1, 1]
        assert ship.answers == {1: "accepted", 2: "accepted"}

    def test_a_later_replay_without_force_takes_the_force_back(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2))
        ship.run_once()
        ship.replay(1, force=True)
        ship.replay(1)
        ship.run_once()
        assert sent(server) == [1, 2]
        assert ship.answers[1] == "superseded"

    def test_what_was_forced_is_not_forced_again(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(1), report(2))
        ship.run_once()
        ship.replay(1, force=True)
        ship.run_once()
        assert sent(server) == [1, 2, 1]
        ship.spool.receipts.remove(f"{scan_id(1)}.receipt")
        ship.run_once(2)
        assert sent(server) == [1, 2, 1]
        assert ship.answers[1] == "superseded"

    def test_commands_that_are_gone_are_forgotten(self, ship: Ship) -> None:
        ship.put(report(1))
        ship.run_once()
        command = ship.replay(1)
        ship.run_once()
        remembered = ship.process.state_store.read("ship-state", ShipState)
        assert remembered
        assert remembered.replayed == {command: (scan_id(1),)}
        ship.spool.commands.remove(f"{command}.replay")
        ship.run_once()
        forgotten = ship.process.state_store.read("ship-state", ShipState)
        assert forgotten
        assert forgotten.replayed == {}


@pytest.mark.parametrize("kind", ["request", "cancel"])
def test_nothing_is_sent_within_two_seconds_after_a_command_of_the_server(
    ship: Ship, server: ScriptedServer, kind: Literal["request", "cancel"]
) -> None:
    ship.put(report(1))
    requested_at = datetime.now(UTC)
    if kind == "request":
        put_request(ship, "server", requested_at)
    else:
        cancellation = Cancellation(
            scan_ids=(scan_id(1),), reason=Reason(source="server", at=requested_at)
        )
        ship.spool.requests.cancellations.write(new_command_id(requested_at), cancellation)
    while not server.requests:
        ship.run_once()
        assert server.requests or 0 < ship.stage.timeout_s() <= 3
        ship.process.wait(ship.stage.timeout_s())
    assert datetime.now(UTC) - requested_at >= timedelta(seconds=2)
    assert ship.answers == {1: "accepted"}


def test_requests_of_long_ago_and_of_the_future_keep_nothing_waiting(
    ship: Ship, server: ScriptedServer
) -> None:
    for at in (
        START,
        datetime.now(UTC) - timedelta(seconds=4),
        datetime.now(UTC) + timedelta(days=1),
    ):
        put_request(ship, "server", at)
    ship.put(report(1))
    ship.run_once()
    assert sent(server) == [1]


def put_requests_after_a_clock_that_was_ahead(ship: Ship, count: int) -> ScanId:
    """Requests of an hour ago whose ids continue from 2036; the newest id is returned."""
    newest = new_scan_id("openscap", START.replace(year=2036))
    reason = Reason(source="server", at=datetime.now(UTC) - timedelta(hours=1))
    for _ in range(count):
        newest = next_scan_id("openscap", reason.at, newest)
        request = Request(scan_id=newest, scanner="openscap", reason=reason)
        ship.spool.requests.write(request)
    return newest


def test_after_a_clock_that_was_ahead_a_command_of_the_server_is_waited_for(
    ship: Ship, server: ScriptedServer
) -> None:
    newest = put_requests_after_a_clock_that_was_ahead(ship, 3)
    now = datetime.now(UTC)
    scan = next_scan_id("openscap", now, newest)
    request = Request(scan_id=scan, scanner="openscap", reason=Reason(source="server", at=now))
    ship.spool.requests.write(request)
    ship.put(report(1))
    ship.run_once()
    assert not server.requests
    assert 0 < ship.stage.timeout_s() <= 3


def test_after_a_clock_that_was_ahead_no_report_costs_a_look_at_every_request(
    ship: Ship, server: ScriptedServer
) -> None:
    def reads() -> int:
        """System calls that read, of this process."""
        (count,) = re.findall(r"syscr: (\d+)", Path("/proc/self/io").read_text())
        return int(count)

    put_requests_after_a_clock_that_was_ahead(ship, 1000)
    ship.put(report(1))
    before = reads()
    ship.run_once()
    assert sent(server) == [1]
    assert reads() - before < 500


@pytest.mark.parametrize("source", ["operator", "schedule"])
def test_what_others_ask_for_keeps_nothing_waiting(
    ship: Ship, server: ScriptedServer, source: Source
) -> None:
    put_request(ship, source)
    ship.put(report(1))
    ship.run_once()
    assert sent(server) == [1]


def test_a_request_that_can_not_be_read_may_be_the_servers(
    ship: Ship, server: ScriptedServer
) -> None:
    other = put_request(ship, "operator")
    (ship.spool.requests.path / f"{other}.request").write_bytes(b"")
    ship.put(report(1))
    ship.run_once()
    assert not server.requests
    assert 0 < ship.stage.timeout_s() <= 3


def test_a_retry_command_is_applied_once(ship: Ship, server: ScriptedServer) -> None:
    server.answer(reply(503, Retry_After="600"), reply(503, Retry_After="600"))
    ship.put(report(1))
    ship.run_once(2)
    ship.restart()
    ship.stage.run_once()
    ship.stage.run_once()
    assert sent(server) == [1, 1]


def put_request(ship: Ship, source: Source, at: datetime | None = None) -> ScanId:
    """A request for another scan, now or at `at`."""
    at = at or datetime.now(UTC)
    wanted = Request(
        scan_id=new_scan_id("openscap", at), scanner="openscap", reason=Reason(source=source, at=at)
    )
    ship.spool.requests.write(wanted)
    return wanted.scan_id
