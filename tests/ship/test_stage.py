"""The ship stage on a real spool, against a server that answers by a script."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import codec
from schemas.report import ScanStatus
from schemas.request import Reason
from spool.errors import StorageError
from tests.ship.scripted_server import (
    ACCEPTED,
    Answer,
    Early,
    ScriptedServer,
    accepted,
    raw,
    reply,
    reset,
    serving,
    trickle,
)
from tests.ship.ship_spool import KEY, Ship, report, rules, scan_id


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as one:
        yield one


@pytest.fixture
def ship(tmp_path: Path, server: ScriptedServer) -> Iterator[Ship]:
    one = Ship(tmp_path, server.url)
    yield one
    one.close()


def sent(server: ScriptedServer) -> list[int]:
    """The numbers of the scans that reached the server whole, in order."""
    return [int(one.rsplit("-", 1)[1], 16) for one in server.scan_ids]


def with_settings(ship: Ship, url: str | None, **sections: Any) -> None:
    """As if the settings file had changed."""
    from tests.ship.ship_spool import settings

    ship.settings = ship.process.settings = settings(ship.root, url, **sections)
    ship.stage.reloaded()


def test_every_report_gets_a_receipt_oldest_first(ship: Ship, server: ScriptedServer) -> None:
    ship.put(report(3), report(1), report(2, "B"))
    ship.look()
    assert sent(server) == [1, 2, 3]
    receipt = ship.receipt(1)
    assert (receipt.answer, receipt.status_code, receipt.server_scan_id) == ("accepted", 200, "row-1")
    assert (receipt.destination, receipt.words, receipt.attempts) == (server.url, "stored", 1)
    assert receipt.sent_bytes == len(server.requests[0].body)
    assert ship.destination.state == "ready"


def test_nothing_is_sent_twice(ship: Ship, server: ScriptedServer) -> None:
    ship.put(report(1))
    ship.look(3)
    ship.restart()
    ship.look(2)
    assert sent(server) == [1]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_scan_that_failed_is_sent_as_failed(ship: Ship, server: ScriptedServer, status: ScanStatus) -> None:
    ship.put(report(1, status=status))
    ship.look()
    assert server.requests[0].json["status"] == "failed"
    assert server.requests[0].json["error"]
    assert ship.receipt(1).scan_status == status


def test_a_joined_scan_is_superseded_without_being_sent_also_while_the_server_is_away(ship: Ship) -> None:
    with_settings(ship, "http://127.0.0.1:1")
    ship.put(report(1), report(2, status="joined", answered_by=scan_id(1)))
    ship.look()
    receipt = ship.receipt(2)
    assert (receipt.answer, receipt.superseded_by, receipt.attempts) == ("superseded", scan_id(1), 0)
    assert ship.answers == {2: "superseded"}


TEMPORARY: list[Answer | Early] = [
    *(reply(status, {"error": "later"}) for status in (408, 409, 425, 429, 500, 501, 502, 503, 504, 507)),
    reset,
    raw(b""),
    raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    reply(200, "<html>log in</html>", "text/html"),
    reply(200, ""),
    reply(202, {"scan_id": "x"}),
    Early(10, reset),
]


@pytest.mark.parametrize("trouble", TEMPORARY)
def test_temporary_trouble_keeps_the_scan_and_the_order(
    ship: Ship, server: ScriptedServer, trouble: Answer
) -> None:
    server.say(trouble)
    ship.put(report(1), report(2))
    ship.look()
    assert ship.answers == {}
    state = ship.destination
    assert state.state == "backing off"
    assert state.why
    assert state.next_try
    ship.look()
    assert ship.answers == {1: "accepted", 2: "accepted"}
    assert sent(server)[-2:] == [1, 2]
    assert ship.destination.state == "ready"


PAUSING: list[Answer] = [
    *(reply(status, {"error": "no"}) for status in (401, 403, 404, 405, 407, 410, 426)),
    reply(302, Location="https://elsewhere.example/"),
    reply(400, "<html>bad gateway of a hotel</html>", "text/html"),
]


@pytest.mark.parametrize("trouble", PAUSING)
def test_what_someone_has_to_mend_pauses_and_discards_nothing(
    ship: Ship, server: ScriptedServer, trouble: Answer
) -> None:
    server.say(trouble)
    ship.put(report(1), report(2))
    ship.look()
    assert len(server.requests) == 1
    state = ship.destination
    assert state.state == "paused"
    assert state.todo
    assert 30 <= ship.stage.timeout_s() <= 60
    ship.look()
    assert ship.answers == {1: "accepted", 2: "accepted"}


@pytest.mark.parametrize(
    "refusal",
    [
        reply(400, {"error": "Invalid payload"}),
        reply(400, {"error": "Invalid JSON body"}),
        reply(415, {"error": "no"}),
        reply(422, {"error": "no"}),
        reply(200, {"message": "ok", "scans_received": 0}),
    ],
)
def test_a_refusal_concludes_its_scan_and_the_next_goes_on(
    ship: Ship, server: ScriptedServer, refusal: Answer
) -> None:
    server.say(refusal)
    ship.put(report(1), report(2))
    ship.look()
    assert ship.answers == {1: "refused", 2: "accepted"}
    assert ship.receipt(1).words
    ship.look()
    assert sent(server) == [1, 2]


def test_the_same_scan_goes_again_under_the_same_id_with_the_same_bytes(
    ship: Ship, server: ScriptedServer
) -> None:
    server.say(reset, raw(b"HTTP/1.1 200 OK\r\n"), reply(503))
    ship.put(report(1))
    ship.look(2)
    ship.restart()
    ship.look(3)
    ship.replay(1)
    ship.look()
    assert sent(server) == [1] * 5
    assert {request.json["scan_id"] for request in server.requests} == {scan_id(1)}
    assert len({request.body for request in server.requests}) == 1


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


def test_without_credentials_nothing_is_sent_and_it_says_what_to_do(
    ship: Ship, server: ScriptedServer
) -> None:
    ship.process.settings = codec.replace(ship.settings, api=codec.replace(ship.settings.api, key=None))
    ship.put(report(1))
    ship.look()
    assert ship.destination.state == "paused"
    assert "api.key_file" in (ship.destination.todo or "")
    ship.process.settings = ship.settings
    ship.stage.look()
    assert ship.answers == {1: "accepted"}


def test_without_a_server_results_stay_in_the_spool(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, None)
    ship.put(report(1))
    ship.look()
    assert (ship.answers, ship.destination.state) == ({}, "not set")
    with_settings(ship, server.url)
    ship.stage.look()
    assert ship.answers == {1: "accepted"}


def test_pacing_stays_below_the_servers_limit_also_over_a_restart(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, server.url, delivery={"per_minute": 3})
    ship.put(*(report(number) for number in range(5)))
    ship.look(3)
    ship.restart()
    ship.look(3)
    assert sent(server) == [0, 1, 2]
    assert 50 < ship.stage.timeout_s() <= 60


class TestOrder:
    """The newest scan is the one that the server keeps."""

    def test_an_older_scan_is_superseded_by_an_accepted_newer_one(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(2))
        ship.look()
        ship.put(report(1), report(1 + 16, "B"))
        ship.look()
        assert ship.answers == {1: "superseded", 2: "accepted", 17: "accepted"}
        assert ship.receipt(1).superseded_by == scan_id(2)
        assert sent(server) == [2, 17]

    def test_it_holds_after_a_restart_without_notes(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(2))
        ship.look()
        ship.close()
        for note in ("memory", "destination"):
            (ship.spool.root / "state" / "ship" / note).unlink()
        ship.start()
        ship.put(report(1))
        ship.look()
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_it_holds_after_the_newer_receipt_went_to_history(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1))
        ship.look()
        ship.put(report(2))
        ship.look()
        ship.replay(1, 2)
        ship.restart()
        ship.look()
        assert sent(server) == [1, 2, 2]
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_a_hold_keeps_a_scan_and_its_release_lets_it_be_superseded(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2))
        ship.hold(1)
        ship.look()
        assert ship.answers == {2: "accepted"}
        ship.release(1)
        ship.look()
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_a_scan_with_an_unknown_outcome_goes_before_an_older_one_that_comes_free(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.say(reset)
        ship.put(report(1), report(2))
        ship.hold(1)
        ship.look()
        ship.release(1)
        ship.restart()
        ship.look(2)
        assert sent(server) == [2, 2]
        assert ship.answers == {1: "superseded", 2: "accepted"}

    def test_force_sends_an_older_scan_after_a_newer_one(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(1), report(2))
        ship.look()
        ship.replay(1)
        ship.look()
        assert ship.answers[1] == "superseded"
        ship.replay(1, force=True)
        ship.look()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert sent(server) == [1, 2, 1]
        ship.restart()
        ship.look(2)
        assert sent(server) == [1, 2, 1]

    def test_only_the_newest_of_each_profile_goes_where_the_backlog_is_latest(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"backlog": "latest"})
        ship.put(report(1), report(2, "B"), report(3), report(4, "B"), report(5))
        ship.look()
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
        ship.look()
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "refused"}


class TestFailedScans:
    """A failed scan takes the place of the server's last good one."""

    def test_it_is_sent_and_the_replacement_is_announced(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(1), report(2, status="failed"))
        ship.look()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert f"replaces the good scan {scan_id(1)}" in ship.receipt(2).remarks[0]

    def test_after_a_later_good_one_it_is_superseded(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(2))
        ship.look()
        ship.put(report(1, status="failed"))
        ship.look()
        assert ship.answers[1] == "superseded"

    def test_never_sends_none(self, ship: Ship, server: ScriptedServer) -> None:
        with_settings(ship, server.url, delivery={"send_failed": "never"})
        ship.put(report(1, status="failed"), report(2), report(3, status="cancelled"))
        ship.look()
        assert ship.answers == {1: "superseded", 2: "accepted", 3: "superseded"}
        assert "delivery.send_failed" in (ship.receipt(1).words or "")

    def test_unless_good_keeps_the_good_one(self, ship: Ship, server: ScriptedServer) -> None:
        with_settings(ship, server.url, delivery={"send_failed": "unless-good"})
        ship.put(report(1, status="failed"))
        ship.look()
        ship.put(report(2), report(3, status="failed"))
        ship.look()
        assert ship.answers == {1: "accepted", 2: "accepted", 3: "superseded"}
        assert ship.receipt(3).superseded_by == scan_id(2)


class TestSize:
    """The body is measured before it is sent."""

    def test_a_body_over_the_limit_is_slimmed_and_the_receipt_says_so(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"body_limit_kib": 64})
        ship.put(report(1, results=rules(60, 1000)))
        ship.look()
        assert len(server.requests[0].body) <= 64 * 1024
        assert ship.receipt(1).left_out
        kept = ship.spool.reports.read(scan_id(1), "report", type(report(1)))
        assert kept == report(1, results=rules(60, 1000))

    def test_what_can_not_be_slimmed_enough_is_refused_unsent(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        with_settings(ship, server.url, delivery={"body_limit_kib": 16})
        ship.put(report(1, results=rules(300)), report(2))
        ship.look()
        assert ship.answers == {1: "refused", 2: "accepted"}
        assert "delivery.body_limit_kib" in (ship.receipt(1).words or "")
        assert sent(server) == [2]

    def test_a_server_with_a_lower_limit_is_sent_less_until_it_takes_it(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.say(reply(413, "<html>nginx</html>", "text/html"), reply(413))
        ship.put(report(1, results=rules(60, 1000)))
        ship.look()
        sizes = [len(request.body) for request in server.requests]
        assert sizes[1] <= sizes[0] / 2
        assert sizes[2] <= sizes[1] / 2
        assert ship.receipt(1).answer == "accepted"
        assert ship.receipt(1).left_out

    def test_a_server_that_never_takes_it_refuses(self, tmp_path: Path) -> None:
        with serving(otherwise=reply(413)) as server:
            ship = Ship(tmp_path, server.url)
            ship.put(report(1, results=rules(60, 1000)))
            ship.look()
            ship.close()
            assert ship.answers == {1: "refused"}
            assert 2 <= len(server.requests) <= 8

    def test_invalid_json_of_a_large_body_is_taken_for_its_size(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.say(reply(400, {"error": "Invalid JSON body"}))
        ship.put(report(1, results=rules(300, 2000)))
        ship.look()
        assert ship.receipt(1).answer == "accepted"
        assert ship.receipt(1).left_out

    def test_a_connection_that_always_breaks_in_a_large_body_is_taken_for_its_size(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.say(*[Early(100_000, reset)] * 3)
        ship.put(report(1, results=rules(600, 5000)))
        ship.look(4)
        assert ship.receipt(1).answer == "accepted"
        assert ship.receipt(1).left_out


class TestHash:
    """compliance_hash is sent, and left out where the server disagrees."""

    def test_it_is_sent_unless_switched_off(self, ship: Ship, server: ScriptedServer) -> None:
        ship.put(report(1))
        ship.look()
        with_settings(ship, server.url, delivery={"compliance_hash": False})
        ship.put(report(2))
        ship.look()
        assert ["compliance_hash" in request.json for request in server.requests] == [True, False]

    def test_a_mismatch_is_sent_once_more_without_it_and_reported(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        server.say(reply(400, {"error": "compliance hash mismatch"}))
        ship.put(report(1), report(2))
        ship.look()
        assert ["compliance_hash" in request.json for request in server.requests] == [True, False, True]
        assert "compliance_hash" in ship.receipt(1).remarks[0]
        assert ship.receipt(1).answer == "accepted"

    def test_a_second_mismatch_is_a_refusal(self, ship: Ship, server: ScriptedServer) -> None:
        server.say(*[reply(400, {"error": "compliance hash mismatch"})] * 2)
        ship.put(report(1))
        ship.look()
        assert ship.answers == {1: "refused"}


class TestPoison:
    """A server that fails at one scan, and takes others."""

    def fails_at(self, number: int) -> Answer:
        def answer(connection: Any) -> bool:
            poisoned = self.server.requests[-1].scan_id == scan_id(number)
            return bool((reply(500, {"error": "boom"}) if poisoned else accepted)(connection))

        return answer

    def test_it_is_refused_after_another_profile_passed(self, tmp_path: Path) -> None:
        with serving(otherwise=self.fails_at(1)) as self.server:
            ship = Ship(tmp_path, self.server.url)
            ship.put(report(1), report(2, "B"), report(3))
            ship.look(6)
            ship.close()
            assert ship.answers == {1: "refused", 2: "accepted", 3: "accepted"}
            assert sent(self.server) == [1, 1, 1, 2, 1, 3]
            assert "took others meanwhile" in (ship.receipt(1).words or "")

    def test_while_nothing_passes_nothing_is_given_up(self, ship: Ship, server: ScriptedServer) -> None:
        server.say(*[reply(500)] * 12)
        ship.put(report(1), report(2, "B"), report(3))
        ship.look(13)
        assert ship.answers == {1: "accepted", 2: "accepted", 3: "accepted"}


class TestDamage:
    """What is wrong with one report stops none of the others."""

    def test_a_damaged_report_is_marked_for_its_owner_and_passed_over(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(1), report(2))
        path = ship.spool.reports.path / f"{scan_id(1)}.report"
        content = bytearray(path.read_bytes())
        content[-20] ^= 1
        path.write_bytes(content)
        ship.look()
        assert ship.answers == {2: "accepted"}
        assert f"{scan_id(1)}.report" in ship.spool.notes("ship").damaged()

    def test_a_report_under_another_ones_name_is_damage(self, ship: Ship, server: ScriptedServer) -> None:
        ship.spool.reports.write(scan_id(1), "report", report(2))
        ship.look()
        assert server.requests == []
        assert f"{scan_id(1)}.report" in ship.spool.notes("ship").damaged()

    def test_what_is_no_report_is_left_alone(self, ship: Ship, server: ScriptedServer) -> None:
        for name in ("notes.txt", f"{scan_id(1)}.receipt", ".hidden", "x.report"):
            (ship.spool.reports.path / name).write_text("?")
        (ship.spool.reports.path / f"{scan_id(2)}.report").symlink_to("/etc/passwd")
        ship.put(report(3))
        ship.look()
        assert ship.answers == {3: "accepted"}

    def test_a_report_that_is_made_again_is_sent(self, ship: Ship, server: ScriptedServer) -> None:
        path = ship.spool.reports.path / f"{scan_id(1)}.report"
        path.write_bytes(b"\0" * 500)
        ship.look()
        path.unlink()
        ship.put(report(1))
        ship.look()
        assert ship.answers == {1: "accepted"}


class TestFullDisk:
    """The disk takes no receipts: `receipts/` is put out of the way, so that every write there fails."""

    def test_an_accepted_scan_is_not_sent_again_and_its_receipt_comes_later(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        box = ship.spool.receipts.path
        ship.put(report(1), report(2))

        def accept_and_break(connection: Any) -> bool:
            (box / f".{scan_id(1)}.receipt.tmp").mkdir()
            return bool(accepted(connection))

        server.say(accept_and_break)
        with pytest.raises(StorageError):
            ship.look()
        for _ in range(3):
            with pytest.raises(StorageError):
                ship.look()
        assert sent(server) == [1]
        (box / f".{scan_id(1)}.receipt.tmp").rmdir()
        ship.look()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert sent(server) == [1, 2]

    def test_nothing_is_sent_while_the_attempt_can_not_be_marked(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        (ship.spool.root / "state" / "ship" / f".{scan_id(1)}.begun.tmp").mkdir()
        ship.put(report(1))
        with pytest.raises(StorageError):
            ship.look()
        assert server.requests == []


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


def test_verify_false_is_loud_and_noted(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, server.url, server={"verify": False})
    ship.put(report(1))
    ship.look()
    assert ship.destination.verified is False
    assert "certificate is not checked" in ship.log


def test_neighbours_hear_of_a_pause_once_and_of_every_receipt(ship: Ship, server: ScriptedServer) -> None:
    server.say(
        reply(401, {"error": "no"}), reply(401, {"error": "no"}), accepted, reply(422, {"error": "no"})
    )
    ship.put(report(1), report(2))
    ship.look(3)
    assert [(event.name, event.scan_id, event.result) for event in ship.bell.rung] == [
        ("ShippingPaused", None, None),
        ("ReportShipped", scan_id(1), "accepted"),
        ("ReportShipped", scan_id(2), "refused"),
    ]


def test_secrets_that_everyone_can_read_are_not_used(
    ship: Ship, server: ScriptedServer, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("a key")
    key.chmod(0o644)
    with_settings(ship, server.url, server={"client_certificate": str(key)})
    ship.put(report(1))
    ship.look()
    assert ship.destination.todo
    assert f"chmod 640 {key}" in ship.destination.todo
    config = tmp_path / "config.yml"
    config.write_text("server: {}")
    config.chmod(0o644)
    with_settings(ship, server.url, server={"proxy": "http://me:pw@127.0.0.1:1"})
    ship.process.config = config
    ship.look()
    assert f"chmod 640 {config}" in ship.destination.todo
    assert server.requests == []


def test_the_key_is_in_no_log_note_or_receipt(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(401, {"error": f"bad key {KEY}"}), reply(400, {"error": f"bad key {KEY}"}))
    ship.put(report(1), report(2))
    ship.look(2)
    for directory, _, names in os.walk(ship.root):
        for name in names:
            assert KEY.encode() not in (Path(directory) / name).read_bytes()


def test_the_acknowledgement_is_that_of_the_receipt(ship: Ship, server: ScriptedServer) -> None:
    server.say(reply(201, json.dumps({"id": "spec-7"})), reply(200, ACCEPTED))
    ship.put(report(1))
    ship.look()
    assert (ship.receipt(1).status_code, ship.receipt(1).server_scan_id) == (201, "spec-7")


def test_a_trickling_server_does_not_stop_a_stage_from_stopping(ship: Ship, server: ScriptedServer) -> None:
    def stop_then_trickle(connection: Any) -> bool:
        ship.process.stop()
        return trickle(connection)

    server.say(stop_then_trickle)
    ship.put(report(1))
    ship.look()
    assert ship.answers == {}
    ship.restart()
    ship.look()
    assert sent(server) == [1, 1]
