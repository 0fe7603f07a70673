"""What the operator and the server command: replays, retries, and the wait after a command of the server."""

from datetime import UTC, datetime, timedelta

from schemas.request import Reason
from tests.ship.scripted_server import ScriptedServer, reply, sent
from tests.ship.ship_spool import Ship, report, rules, scan_id


class TestReplay:
    """Sending again what was sent."""

    def test_replay_ship_sends_the_same_report_again_and_keeps_the_old_receipt(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.look()
        command = ship.replay(1)
        ship.look(2)
        assert sent(server) == [1, 1]
        assert ship.spool.receipts.retired() == [f"{scan_id(1)}.receipt~{command}"]

    def test_replay_parse_waits_until_the_old_report_is_gone(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.look()
        command = ship.replay(1, step="parse")
        ship.look()
        assert sent(server) == [1]
        ship.spool.reports.retire(f"{scan_id(1)}.report", command)
        ship.look()
        assert ship.answers == {}
        ship.put(report(1, results=rules(5)))
        ship.look()
        assert sent(server) == [1, 1]
        assert len(server.requests[1].json["results"]) == 5


def test_a_result_of_a_server_command_waits_two_seconds(ship: Ship, server: ScriptedServer) -> None:
    asked = datetime.now(UTC)
    ship.put(report(1, reasons=(Reason(source="server", at=asked),)))
    ship.look()
    assert server.requests == []
    assert 0 < ship.stage.timeout_s() <= 2
    ship.process.wait(ship.stage.timeout_s())
    ship.look()
    assert sent(server) == [1]
    assert datetime.now(UTC) - asked >= timedelta(seconds=2)


def test_a_command_from_the_future_does_not_wait_for_ever(ship: Ship, server: ScriptedServer) -> None:
    ship.put(report(1, reasons=(Reason(source="server", at=datetime.now(UTC) + timedelta(days=3650)),)))
    ship.look()
    assert sent(server) == [1]


def test_a_retry_command_is_obeyed_once(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(503, Retry_After="600"), reply(503, Retry_After="600"))
    ship.put(report(1))
    ship.look(2)
    ship.restart()
    ship.stage.look()
    ship.stage.look()
    assert sent(server) == [1, 1]
