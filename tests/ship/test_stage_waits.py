"""How long the stage leaves the server alone."""

from datetime import timedelta
from typing import Any

import pytest

from schemas import codec
from tests.patchmon.scripted_server import ScriptedServer, accepted, reply, sent
from tests.ship.ship_spool import Ship, report, with_settings

pytestmark = pytest.mark.slow


def test_backing_off_is_per_destination_not_per_scan(ship: Ship, server: ScriptedServer) -> None:
    server.answer(reply(503, Retry_After="600"))
    ship.put(*(report(number) for number in range(10)))
    ship.run_once()
    for _ in range(5):
        ship.stage.run_once()
    assert sent(server) == [0]
    assert 600 - 5 <= ship.stage.timeout_s() <= 605


def test_a_time_that_the_server_named_holds_after_a_restart_too(
    ship: Ship, server: ScriptedServer
) -> None:
    server.answer(reply(429, Retry_After="600"))
    ship.put(report(1))
    ship.run_once()
    ship.restart()
    ship.stage.run_once()
    assert sent(server) == [1]
    assert 590 <= ship.stage.timeout_s() <= 605
    ship.run_once()
    assert ship.answers == {1: "accepted"}


def test_our_own_back_off_does_not_outlive_the_process(ship: Ship, server: ScriptedServer) -> None:
    server.answer(reply(401))
    ship.put(report(1))
    ship.run_once()
    ship.restart()
    ship.stage.run_once()
    assert ship.answers == {1: "accepted"}


def test_a_rotated_key_is_tried_at_once(ship: Ship, server: ScriptedServer) -> None:
    server.answer(reply(401, {"error": "Invalid API credentials"}))
    ship.put(report(1))
    ship.run_once()
    ship.stage.run_once()
    assert sent(server) == [1]
    ship.process.settings = codec.replace(
        ship.settings, api=codec.replace(ship.settings.api, key="another")
    )
    ship.stage.run_once()
    assert ship.answers == {1: "accepted"}
    assert server.requests[-1].headers["x-api-key"] == "another"


def test_a_401_while_the_database_is_down_is_not_a_fault_of_the_key(
    ship: Ship, server: ScriptedServer
) -> None:
    server.pings = reply(500, {"error": "Failed to look up host: database error"})
    server.answer(reply(401, {"error": "Invalid API credentials"}))
    ship.put(report(1))
    ship.stage.run_once()
    state = ship.destination
    assert state.state == "backing off"
    assert "can't check the key: HTTP 500" in str(state.reason)
    assert ship.stage.timeout_s() <= 5
    ship.run_once()
    assert ship.answers == {1: "accepted"}


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500, 503])
def test_a_time_that_the_server_names_is_respected_with_every_status(
    ship: Ship, server: ScriptedServer, status: int
) -> None:
    server.answer(reply(status, {"error": "later"}, Retry_After="600"))
    ship.put(report(1), report(2, "B"))
    ship.stage.run_once()
    ship.stage.run_once()
    assert sent(server) == [1]
    assert 590 <= ship.stage.timeout_s() <= 605
    assert ship.destination.state != "ready"
    ship.restart()
    ship.stage.run_once()
    assert sent(server) == [1]
    ship.run_once()
    assert ship.answers == {1: "accepted", 2: "accepted"}


@pytest.mark.parametrize("value", ["0", "-5", "Mon, 23 Nov 2026 03:00:00 GMT"])
def test_a_429_that_names_no_later_moment_leaves_our_own_back_off(
    ship: Ship, server: ScriptedServer, value: str
) -> None:
    server.answer(reply(429, {"error": "later"}, Retry_After=value))
    ship.put(report(1))
    ship.stage.run_once()
    assert 0 <= ship.stage.timeout_s() <= 5


class TestReload:
    """New settings are in force while the server wants to be left alone."""

    @pytest.fixture(autouse=True)
    def asked_to_wait(self, ship: Ship, server: ScriptedServer) -> None:
        server.answer(reply(429, Retry_After="600"))
        ship.put(report(1))
        ship.stage.run_once()

    def test_what_does_not_concern_the_server_keeps_the_wait(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"compliance_hash": False}, log={"level": "debug"})
        ship.stage.run_once()
        assert sent(server) == [1]
        assert 590 <= ship.stage.timeout_s() <= 605

    @pytest.mark.parametrize(
        "server_settings", [{"verify": False}, {"proxy": "none"}, {"ca_file": "/etc/ssl/other.pem"}]
    )
    def test_another_way_to_the_server_is_tried_at_once(
        self, ship: Ship, server: ScriptedServer, server_settings: dict[str, Any]
    ) -> None:
        with_settings(ship, server.url, server=server_settings)
        ship.stage.run_once()
        assert ship.answers == {1: "accepted"}

    def test_so_are_other_credentials(self, ship: Ship, server: ScriptedServer) -> None:
        with_settings(ship, server.url, api={"id": "patchmon_2", "key": "another"})
        ship.stage.run_once()
        assert ship.answers == {1: "accepted"}


def test_a_429_without_a_time_is_waited_out_for_a_minute_also_over_a_restart(
    ship: Ship, server: ScriptedServer
) -> None:
    server.answer(reply(429, {"error": "Too many scan submissions, please try again later"}))
    ship.put(report(1))
    ship.stage.run_once()
    ship.restart()
    ship.stage.run_once()
    assert sent(server) == [1]
    assert 58 <= ship.stage.timeout_s() <= 65


def test_a_429_from_before_a_clock_was_set_back_is_waited_out_for_no_longer(
    ship: Ship, server: ScriptedServer
) -> None:
    server.answer(reply(429, {"error": "Too many scan submissions, please try again later"}))
    ship.put(report(1))
    ship.stage.run_once()
    noted = ship.destination
    assert noted.next_try
    ahead = timedelta(days=3650)
    written = codec.replace(noted, at=noted.at + ahead, next_try=noted.next_try + ahead)
    ship.spool.state_store("ship").write("destination", written)
    ship.restart()
    ship.stage.run_once()
    assert sent(server) == [1]
    assert 50 <= ship.stage.timeout_s() <= 66


def test_pacing_stays_below_the_servers_limit(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, server.url, delivery={"per_minute": 3})
    ship.put(*(report(number) for number in range(5)))
    ship.run_once(3)
    assert sent(server) == [0, 1, 2]
    # The minute began with the first request, and three take a while on a busy machine.
    assert 20 < ship.stage.timeout_s() <= 60
    assert (ship.destination.state, ship.destination.reason) == ("ready", "at most 3 a minute")
    assert ship.destination.next_try


def test_requests_that_failed_count_too(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, server.url, delivery={"per_minute": 4})
    server.answer(accepted, reply(503), reply(422, {"error": "no"}), reply(401))
    ship.put(*(report(number) for number in range(6)))
    ship.run_once(6)
    assert sent(server) == [0, 1, 1, 2]
    # The minute began with the first request, and three take a while on a busy machine.
    assert 20 < ship.stage.timeout_s() <= 60
