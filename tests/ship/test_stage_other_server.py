"""`server.url` names another server than before."""

from collections.abc import Iterator

import pytest

from tests.patchmon.scripted_server import ScriptedServer, accepted, reply, sent, serving
from tests.ship.ship_spool import Ship, report, with_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with serving() as one:
        yield one


def test_what_one_server_took_supersedes_nothing_at_another(
    ship: Ship, server: ScriptedServer, other: ScriptedServer
) -> None:
    ship.put(report(2))
    ship.run_once()
    with_settings(ship, other.url)
    ship.put(report(1))
    ship.run_once()
    assert sent(other) == [1]
    assert ship.answers == {1: "accepted", 2: "accepted"}


@pytest.mark.parametrize("lost", [False, True])
def test_receipts_of_another_server_supersede_nothing_after_a_restart(
    ship: Ship, other: ScriptedServer, lost: bool
) -> None:
    ship.put(report(2))
    ship.run_once()
    with_settings(ship, other.url)
    ship.restart()
    if lost:
        (ship.spool.root / "state" / "ship" / "ship-state").unlink()
        ship.restart()
    ship.put(report(1))
    ship.run_once()
    assert sent(other) == [1]


def test_back_at_the_first_server_its_receipts_count_again(
    ship: Ship, server: ScriptedServer, other: ScriptedServer
) -> None:
    ship.put(report(2))
    ship.run_once()
    with_settings(ship, other.url)
    ship.stage.run_once()
    with_settings(ship, server.url + "/")
    ship.put(report(1))
    ship.run_once()
    assert ship.answers == {1: "superseded", 2: "accepted"}
    assert sent(other) == []


@pytest.mark.parametrize("restarted", [False, True])
def test_a_backlog_goes_to_the_server_that_the_settings_name_now(
    ship: Ship, server: ScriptedServer, other: ScriptedServer, restarted: bool
) -> None:
    server.answer(accepted, reply(503))
    ship.put(report(1), report(2), report(3), report(4))
    ship.stage.run_once()
    assert sent(server) == [1, 2]
    with_settings(ship, other.url)
    if restarted:
        ship.restart()
    ship.stage.run_once()
    assert sent(server) == [1, 2]
    assert sent(other) == [2, 3, 4]
    assert ship.answers == dict.fromkeys((1, 2, 3, 4), "accepted")
    assert ship.destination.state == "ready"
    assert [ship.receipt(number).destination for number in (1, 2, 3, 4)] == [
        server.url,
        *[other.url] * 3,
    ]


def test_a_wait_of_the_other_server_does_not_hold_up_this_one(
    ship: Ship, server: ScriptedServer, other: ScriptedServer
) -> None:
    server.answer(reply(429, Retry_After="600"))
    ship.put(report(1))
    ship.stage.run_once()
    with_settings(ship, other.url)
    ship.restart()
    ship.stage.run_once()
    assert sent(other) == [1]


def test_results_from_before_there_was_a_server_go_to_the_first_one(
    ship: Ship, server: ScriptedServer
) -> None:
    with_settings(ship, None)
    ship.put(report(1))
    ship.stage.run_once()
    with_settings(ship, server.url)
    ship.stage.run_once()
    assert ship.answers == {1: "accepted"}


def test_a_limit_that_one_server_showed_is_not_another_servers(
    ship: Ship, server: ScriptedServer, other: ScriptedServer
) -> None:
    server.answer(reply(413, {"error": "too large"}), reply(503))
    ship.put(report(1))
    ship.run_once()
    whole, halved = (len(request.body) for request in server.requests)
    assert halved < whole
    with_settings(ship, other.url)
    ship.run_once()
    assert [len(request.body) for request in other.requests] == [whole]
    assert ship.receipt(1).attempts == 1
