"""In which form a scan is sent: slimmed to a limit, with and without the hash."""

from pathlib import Path

from tests.patchmon.scripted_server import (
    Early,
    ScriptedServer,
    reply,
    reset,
    sent,
    serving,
)
from tests.ship.ship_spool import Ship, report, rules, scan_id, with_settings


class TestSize:
    """The body is measured before it is sent."""

    def test_a_body_over_the_limit_is_truncated_and_the_receipt_names_it(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"body_limit_kib": 64})
        ship.put(report(1, results=rules(60, 1000)))
        ship.run_once()
        assert len(server.requests[0].body) <= 64 * 1024
        assert ship.receipt(1).left_out
        kept = ship.spool.reports.read(scan_id(1))
        assert kept == report(1, results=rules(60, 1000))

    def test_what_can_not_be_truncated_enough_is_refused_unsent(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"body_limit_kib": 16})
        ship.put(report(1, results=rules(300)), report(2))
        ship.run_once()
        assert ship.answers == {1: "refused", 2: "accepted"}
        assert "delivery.body_limit_kib" in (ship.receipt(1).message or "")
        assert sent(server) == [2]

    def test_a_server_with_a_lower_limit_is_sent_less_until_it_takes_it(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.answer(reply(413, "<html>nginx</html>", "text/html"), reply(413))
        ship.put(report(1, results=rules(60, 1000)))
        ship.run_once()
        sizes = [len(request.body) for request in server.requests]
        assert sizes[1] <= sizes[0] / 2
        assert sizes[2] <= sizes[1] / 2
        assert ship.receipt(1).answer == "accepted"
        assert ship.receipt(1).left_out

    def test_a_server_that_never_takes_it_refuses(self, tmp_path: Path) -> None:
        with serving(otherwise=reply(413)) as server:
            ship = Ship(tmp_path, server.url)
            ship.put(report(1, results=rules(60, 1000)))
            ship.run_once()
            ship.close()
            assert ship.answers == {1: "refused"}
            assert 2 <= len(server.requests) <= 8

    def test_invalid_json_of_a_large_body_is_taken_for_its_size(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.answer(reply(400, {"error": "Invalid JSON body"}))
        ship.put(report(1, results=rules(300, 2000)))
        ship.run_once()
        assert ship.receipt(1).answer == "accepted"
        assert ship.receipt(1).left_out

    def test_a_line_that_breaks_again_and_again_costs_no_texts(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.answer(*[Early(100_000, reset)] * 5)
        ship.put(report(1, results=rules(300, 4000)))
        ship.run_once(6)
        assert ship.receipt(1).answer == "accepted"
        assert ship.receipt(1).left_out == ()


class TestHash:
    """compliance_hash is sent, and left out where the server disagrees."""

    def test_it_is_sent_unless_switched_off(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(1))
        ship.run_once()
        with_settings(ship, server.url, delivery={"compliance_hash": False})
        ship.put(report(2))
        ship.run_once()
        assert ["compliance_hash" in request.json for request in server.requests] == [True, False]

    def test_a_mismatch_is_sent_once_more_without_it_and_reported(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.answer(reply(400, {"error": "compliance hash mismatch"}))
        ship.put(report(1), report(2))
        ship.run_once()
        assert ["compliance_hash" in request.json for request in server.requests] == [
            True,
            False,
            True,
        ]
        assert "compliance_hash" in ship.receipt(1).remarks[0]
        assert ship.receipt(1).answer == "accepted"

    def test_a_second_mismatch_is_a_refusal(self, ship: Ship, server: ScriptedServer) -> None:
        server.answer(*[reply(400, {"error": "compliance hash mismatch"})] * 2)
        ship.put(report(1))
        ship.run_once()
        assert ship.answers == {1: "refused"}
