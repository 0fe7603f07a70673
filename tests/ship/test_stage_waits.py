"""How long the stage leaves the server alone."""

from schemas import codec
from tests.ship.scripted_server import ScriptedServer, reply, sent
from tests.ship.ship_spool import Ship, report, with_settings


def test_backing_off_is_per_destination_not_per_scan(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(503, Retry_After="600"))
    ship.put(*(report(number) for number in range(10)))
    ship.look()
    for _ in range(5):
        ship.stage.look()
    assert sent(server) == [0]
    assert 600 - 5 <= ship.stage.timeout_s() <= 605


def test_a_time_that_the_server_named_holds_after_a_restart_too(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(429, Retry_After="600"))
    ship.put(report(1))
    ship.look()
    ship.restart()
    ship.stage.look()
    assert sent(server) == [1]
    assert 590 <= ship.stage.timeout_s() <= 605
    ship.look()
    assert ship.answers == {1: "accepted"}


def test_our_own_back_off_does_not_outlive_the_process(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(401))
    ship.put(report(1))
    ship.look()
    ship.restart()
    ship.stage.look()
    assert ship.answers == {1: "accepted"}


def test_a_rotated_key_is_tried_at_once(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(401, {"error": "Invalid API credentials"}))
    ship.put(report(1))
    ship.look()
    ship.stage.look()
    assert sent(server) == [1]
    ship.process.settings = codec.replace(ship.settings, api=codec.replace(ship.settings.api, key="another"))
    ship.stage.look()
    assert ship.answers == {1: "accepted"}
    assert server.requests[-1].headers["x-api-key"] == "another"


def test_pacing_stays_below_the_servers_limit_also_over_a_restart(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, server.url, delivery={"per_minute": 3})
    ship.put(*(report(number) for number in range(5)))
    ship.look(3)
    ship.restart()
    ship.look(3)
    assert sent(server) == [0, 1, 2]
    assert 50 < ship.stage.timeout_s() <= 60
