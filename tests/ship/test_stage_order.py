"""In which order the stage sends, and what it need not send."""

from datetime import timedelta

import pytest

from schemas import codec
from stages.console.delivery.server_view import ServerView
from tests.patchmon.scripted_server import Answer, ScriptedServer, accepted, reply, reset, sent
from tests.ship.ship_spool import Ship, report, scan_id, with_settings

pytestmark = pytest.mark.slow


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

    def test_the_receipt_of_a_superseded_scan_has_its_profile_however_long(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        """The order is kept by a digest of a long name."""
        profile = f"CIS/{'x' * 300}"
        ship.put(report(2, profile))
        ship.run_once()
        ship.put(report(1, profile))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted"}
        assert [ship.receipt(number).profile for number in (1, 2)] == [profile, profile]

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

    def test_the_last_receipt_is_what_the_server_has_whatever_the_clock_said_before(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.run_once()
        ship.close()
        ahead = codec.replace(ship.receipt(1), at=ship.receipt(1).at + timedelta(days=3650))
        ship.spool.receipts.remove(f"{scan_id(1)}.receipt")
        ship.spool.receipts.write(ahead)
        (ship.spool.root / "state" / "ship" / "ship-state").unlink()
        ship.start()
        ship.put(report(2))
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert ServerView(ship.spool, ship.settings).displaced() == {}
        ship.restart()
        ship.run_once()
        assert ServerView(ship.spool, ship.settings).displaced() == {}

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

    def test_a_held_scan_stays_and_is_superseded_after_its_release(
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
        server.answer(reset)
        ship.put(report(1), report(2))
        ship.hold(1)
        ship.run_once()
        ship.release(1)
        ship.run_once(2)
        assert sent(server) == [2, 2]
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_it_goes_before_the_older_one_also_after_a_restart(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.answer(reset)
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

    def test_a_thousand_reports_of_one_name_do_not_hold_up_another(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(*(report(number, status="failed") for number in range(1, 1001)))
        ship.put(report(1001, "CIS"), report(1002, "STIG"), report(1003, "CIS"))
        server.answer(*[accepted] * 5, reply(503))
        ship.run_once()
        assert sent(server) == [1, 1001, 1002, 2, 1003, 3]

    def test_only_the_newest_of_each_profile_goes_where_the_backlog_is_latest(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"backlog": "latest"})
        ship.put(report(1), report(2, "B"), report(3), report(4, "B"), report(5))
        ship.run_once()
        assert sent(server) == [5, 4]
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
        server.answer(reply(422, {"error": "no"}))
        ship.put(report(1), report(2), report(3))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "refused"}


class TestFailedScans:
    """A failed scan is filed under the generic name of its scanner and replaces no good result."""

    def test_it_is_sent_under_the_generic_name_with_the_real_profile_in_its_error(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2, status="failed"), report(3, status="cancelled", error=None))
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted", 3: "accepted"}
        bodies = [request.json for request in server.requests]
        assert [body["profile_name"] for body in bodies] == ["CIS", *["OpenSCAP Scan"] * 2]
        assert [body["profile"]["name"] for body in bodies] == ["CIS"] * 3
        assert bodies[1]["error"] == "the scanner crashed; profile CIS"
        assert bodies[2]["error"] == "cancelled; profile CIS"
        assert ship.receipt(2).profile == "OpenSCAP Scan"

    def test_it_replaces_no_result_of_a_profile_of_the_generic_name(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1, "OpenSCAP Scan"), report(2, "OpenSCAP Scan", status="failed"))
        ship.run_once()
        bodies = [request.json for request in server.requests]
        names = {body["status"]: body["profile_name"] for body in bodies}
        assert names == {"completed": "OpenSCAP Scan (profile)", "failed": "OpenSCAP Scan"}
        assert [body["profile"]["name"] for body in bodies] == ["OpenSCAP Scan"] * 2

    def test_it_goes_also_after_a_later_good_one(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(2))
        ship.run_once()
        ship.put(report(1, status="failed"))
        ship.run_once()
        assert sent(server) == [2, 1]
        assert ship.answers == {1: "accepted", 2: "accepted"}

    def test_a_later_failure_supersedes_no_good_result(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(2, status="failed"))
        ship.run_once()
        ship.restart()
        ship.put(report(1))
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted"}

    def test_none_is_sent_where_the_setting_forbids_it(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"send_failed": False})
        ship.put(report(1, status="failed"), report(2), report(3, status="cancelled"))
        ship.run_once()
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "superseded"}
        assert "delivery.send_failed" in (ship.receipt(1).message or "")

    def test_of_a_latest_backlog_the_newest_result_and_the_newest_failure_go(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"backlog": "latest"})
        ship.put(
            report(1),
            report(2),
            report(3, status="failed"),
            report(4, "B", status="failed"),
        )
        ship.run_once()
        assert sent(server) == [2, 4]
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "superseded", 4: "accepted"}


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_what_the_server_has_not_taken_does_not_overtake_an_older_one_that_is_released(
    ship: Ship, server: ScriptedServer, status: int
) -> None:
    server.answer(reply(status))
    ship.put(report(1), report(2))
    ship.hold(1)
    ship.run_once()
    ship.restart()
    ship.release(1)
    ship.run_once()
    assert sent(server) == [2, 1, 2]
    assert ship.answers == {1: "accepted", 2: "accepted"}


def test_nor_does_what_never_left_this_host(
    ship: Ship, server: ScriptedServer, unreachable: str
) -> None:
    with_settings(ship, unreachable)
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
    server.answer(unknown, reply(401))
    ship.put(report(1), report(2))
    ship.hold(1)
    ship.run_once(2)
    ship.release(1)
    ship.run_once()
    assert sent(server) == [2, 2, 2]
    assert ship.answers == {1: "superseded", 2: "accepted"}
