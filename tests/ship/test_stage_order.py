"""In which order the stage sends, and what it need not send."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.patchmon.scripted_server import Answer, ScriptedServer, reply, reset, sent
from tests.ship.ship_spool import START, Ship, report, scan_id, with_settings


class TestOrder:
    """The newest scan is the one that the server keeps."""

    def test_an_older_scan_is_superseded_by_an_accepted_newer_one(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(2))
        ship.run_once()
        ship.put(report(1), report(1 + 16, "B"))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted", 17: "accepted"}
        assert ship.receipt(1).superseded_by == scan_id(2)
        assert sent(server) == [2, 17]

    def test_it_holds_after_a_restart_without_notes(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(2))
        ship.run_once()
        ship.close()
        for note in ("ship-state", "destination"):
            (ship.spool.root / "state" / "ship" / note).unlink()
        ship.start()
        ship.put(report(1))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_it_holds_after_the_newer_receipt_went_to_history(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.run_once()
        ship.put(report(2))
        ship.run_once()
        ship.replay(1, 2)
        ship.restart()
        ship.run_once()
        assert sent(server) == [1, 2, 2]
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_a_hold_keeps_a_scan_and_its_release_lets_it_be_superseded(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2))
        ship.hold(1)
        ship.run_once()
        assert ship.answers == {2: "accepted"}
        ship.release(1)
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_a_scan_with_an_unknown_outcome_goes_before_an_older_one_that_comes_free(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.say(reset)
        ship.put(report(1), report(2))
        ship.hold(1)
        ship.run_once()
        ship.release(1)
        ship.restart()
        ship.run_once(2)
        assert sent(server) == [2, 2]
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_force_sends_an_older_scan_after_a_newer_one(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2))
        ship.run_once()
        ship.replay(1)
        ship.run_once()
        assert ship.answers[1] == "superseded"
        ship.replay(1, force=True)
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert sent(server) == [1, 2, 1]
        ship.restart()
        ship.run_once(2)
        assert sent(server) == [1, 2, 1]

    def test_only_the_newest_of_each_profile_goes_where_the_backlog_is_latest(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"backlog": "latest"})
        ship.put(report(1), report(2, "B"), report(3), report(4, "B"), report(5))
        ship.run_once()
        assert sent(server) == [4, 5]
        assert ship.answers == {
            1: "superseded",
            2: "superseded",
            3: "superseded",
            4: "accepted",
            5: "accepted",
        }

    def test_where_the_newest_is_refused_the_one_before_it_goes(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"backlog": "latest"})
        server.say(reply(422, {"error": "no"}))
        ship.put(report(1), report(2), report(3))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "refused"}


class TestFailedScans:
    """A failed scan takes the place of the server's last good one."""

    def test_it_is_sent_and_the_replacement_is_announced(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2, status="failed"))
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert f"replaces the good scan {scan_id(1)}" in ship.receipt(2).remarks[0]

    def test_after_a_later_good_one_it_is_superseded(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(2))
        ship.run_once()
        ship.put(report(1, status="failed"))
        ship.run_once()
        assert ship.answers[1] == "superseded"

    def test_never_sends_none(self, ship: Ship, server: ScriptedServer) -> None:
        with_settings(ship, server.url, delivery={"send_failed": "never"})
        ship.put(report(1, status="failed"), report(2), report(3, status="cancelled"))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "superseded"}
        assert "delivery.send_failed" in (ship.receipt(1).message or "")

    def test_unless_good_keeps_the_good_one(self, ship: Ship, server: ScriptedServer) -> None:
        with_settings(ship, server.url, delivery={"send_failed": "unless-good"})
        ship.put(report(1, status="failed"))
        ship.run_once()
        ship.put(report(2), report(3, status="failed"))
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted", 3: "superseded"}
        assert ship.receipt(3).superseded_by == scan_id(2)

    def test_latest_and_unless_good_send_the_good_one_and_not_the_failed_one_after_it(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(
            ship, server.url, delivery={"backlog": "latest", "send_failed": "unless-good"}
        )
        ship.put(report(1), report(2), report(3, status="failed"), report(4, "B", status="failed"))
        ship.run_once()
        assert sent(server) == [2, 4]
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "superseded", 4: "accepted"}
        assert ship.receipt(3).superseded_by == scan_id(2)


class TestWrongClock:
    """A scan was requested while the clock was wrong: its id lies in the future, and later ids are greater."""

    def test_later_scans_follow_it_in_the_order_of_their_ids(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ahead = int((datetime.now(UTC) + timedelta(days=3) - START).total_seconds() / 60)
        ship.put(report(ahead))
        ship.run_once()
        ship.put(report(ahead + 1), report(ahead + 2))
        ship.run_once()
        assert sent(server) == [ahead, ahead + 1, ahead + 2]
        assert set(ship.answers.values()) == {"accepted"}


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_what_the_server_has_not_taken_does_not_overtake_an_older_one_that_is_released(
    ship: Ship, server: ScriptedServer, status: int
) -> None:
    server.say(reply(status))
    ship.put(report(1), report(2))
    ship.hold(1)
    ship.run_once()
    ship.restart()
    ship.release(1)
    ship.run_once()
    assert sent(server) == [2, 1, 2]
    assert ship.answers == {1: "accepted", 2: "accepted"}


def test_nor_does_what_never_left_this_host(
    ship: Ship, server: ScriptedServer, nobody: str
) -> None:
    with_settings(ship, nobody)
    ship.put(report(1), report(2))
    ship.hold(1)
    ship.run_once()
    ship.release(1)
    with_settings(ship, server.url)
    ship.run_once()
    assert sent(server) == [1, 2]


@pytest.mark.parametrize("unknown", [reset, reply(500), reply(504)])
def test_what_the_server_may_have_goes_before_an_older_one_whatever_is_answered_later(
    ship: Ship, server: ScriptedServer, unknown: Answer
) -> None:
    server.say(unknown, reply(401))
    ship.put(report(1), report(2))
    ship.hold(1)
    ship.run_once(2)
    ship.release(1)
    ship.run_once()
    assert sent(server) == [2, 2, 2]
    assert ship.answers == {1: "superseded", 2: "accepted"}
