"""`server.url` names another server than before."""

from collections.abc import Iterator

import pytest

from schemas import codec
from schemas.destination import ShipState
from tests.patchmon.scripted_server import Answer, ScriptedServer, reply, sent, serving
from tests.ship.ship_spool import Ship, report, scan_id, with_settings


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


def test_a_failed_scan_does_not_spare_the_good_one_of_another_server(
    ship: Ship, other: ScriptedServer
) -> None:
    with_settings(ship, ship.settings.server.url, delivery={"send_failed": "unless-good"})
    ship.put(report(1))
    ship.run_once()
    with_settings(ship, other.url, delivery={"send_failed": "unless-good"})
    ship.put(report(2, status="failed"))
    ship.run_once()
    assert ship.answers == {1: "accepted", 2: "accepted"}


@pytest.mark.parametrize("restarted", [False, True])
def test_a_backlog_is_not_given_to_another_server_until_the_operator_says_so(
    ship: Ship, server: ScriptedServer, other: ScriptedServer, restarted: bool
) -> None:
    server.say(reply(503))
    ship.put(report(1), report(2, "B"))
    ship.stage.run_once()
    with_settings(ship, other.url)
    if restarted:
        ship.restart()
    ship.stage.run_once()
    ship.put(report(3))
    ship.stage.run_once()
    ship.restart()
    ship.stage.run_once()
    # What was scanned since is for the new server, and does not supersede what was made for the old one.
    assert sent(other) == [3]
    assert ship.answers == {3: "accepted"}
    told = ship.destination
    assert told.state == "paused"
    assert "2" in (told.why or "")
    assert "compliance-agent retry" in (told.action or "")
    ship.run_once()
    assert ship.destination.state == "ready"
    assert sent(other) == [3, 2]
    assert ship.answers == {1: "superseded", 2: "accepted", 3: "accepted"}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        reply(404, "no such page"),
        reply(301, Location="https://elsewhere.example/"),
        reply(200, "<html>Welcome</html>", "text/html"),
    ],
)
def test_an_address_where_no_server_ever_answered_was_a_wrong_one_and_binds_nothing(
    ship: Ship, server: ScriptedServer, other: ScriptedServer, nobody: str, wrong: Answer | None
) -> None:
    server.say(*[wrong] * 2 if wrong else [])
    with_settings(ship, server.url if wrong else nobody)
    ship.put(report(1), report(2))
    ship.run_once(2)
    ship.restart()
    with_settings(ship, other.url)
    ship.stage.run_once()
    assert sent(other) == [1, 2]
    assert ship.destination.state == "ready"


def test_what_a_real_server_waits_for_is_not_freed_by_a_mistyped_address(
    ship: Ship, server: ScriptedServer, other: ScriptedServer, nobody: str
) -> None:
    server.say(reply(503))
    ship.put(report(1))
    ship.stage.run_once()
    with_settings(ship, nobody)
    ship.stage.run_once()
    ship.put(report(2, "B"))
    ship.stage.run_once()
    with_settings(ship, other.url)
    ship.stage.run_once()
    assert sent(other) == [2]


def test_a_backlog_goes_to_its_own_server_where_that_comes_back(
    ship: Ship, server: ScriptedServer, other: ScriptedServer
) -> None:
    ship.put(report(1))
    ship.hold(1)
    ship.stage.run_once()
    with_settings(ship, other.url)
    ship.release(1)
    ship.stage.run_once()
    with_settings(ship, server.url)
    ship.stage.run_once()
    assert (sent(server), sent(other)) == ([1], [])


def test_results_from_before_there_was_a_server_go_to_the_first_one(
    ship: Ship, server: ScriptedServer
) -> None:
    with_settings(ship, None)
    ship.put(report(1))
    ship.stage.run_once()
    with_settings(ship, server.url)
    ship.stage.run_once()
    assert ship.answers == {1: "accepted"}


def test_the_note_of_an_older_version_is_taken_for_the_server_in_force(
    ship: Ship, server: ScriptedServer
) -> None:
    old = {"accepted": {"CIS|openscap": {"scan_id": scan_id(2), "good": True}}, "obeyed": []}
    ship.process.state_store.write("ship-state", codec.decode(codec.encode(old), ShipState))
    ship.restart()
    ship.put(report(1), report(3))
    ship.run_once()
    assert ship.answers == {1: "superseded", 3: "accepted"}
