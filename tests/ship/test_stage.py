"""The ship stage on a real spool, against a server that answers by a script."""

from typing import Any

import pytest

from schemas.report import ScanStatus
from tests.patchmon.scripted_server import (
    ACCEPTED,
    Answer,
    Early,
    ScriptedServer,
    accepted,
    raw,
    reply,
    reset,
    sent,
    trickle,
)
from tests.ship.ship_spool import Ship, report, scan_id, with_settings

pytestmark = pytest.mark.slow


def test_every_report_gets_a_receipt_oldest_first(ship: Ship, server: ScriptedServer) -> None:
    ship.put(report(3), report(1), report(2, "B"))
    ship.run_once()
    assert sent(server) == [1, 2, 3]
    receipt = ship.receipt(1)
    assert (receipt.answer, receipt.status_code, receipt.server_scan_id) == (
        "accepted",
        200,
        "row-1",
    )
    assert (receipt.destination, receipt.message, receipt.attempts) == (server.url, "stored", 1)
    assert receipt.sent_bytes == len(server.requests[0].body)
    assert ship.destination.state == "ready"


def test_nothing_is_sent_twice(ship: Ship, server: ScriptedServer) -> None:
    ship.put(report(1))
    ship.run_once(3)
    ship.restart()
    ship.run_once(2)
    assert sent(server) == [1]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_scan_that_failed_is_sent_as_failed(
    ship: Ship, server: ScriptedServer, status: ScanStatus
) -> None:
    ship.put(report(1, status=status))
    ship.run_once()
    assert server.requests[0].json["status"] == "failed"
    assert server.requests[0].json["error"]
    assert ship.receipt(1).scan_status == status


def test_a_merged_scan_is_superseded_without_being_sent_also_while_the_server_is_away(
    ship: Ship, unreachable: str
) -> None:
    with_settings(ship, unreachable)
    ship.put(report(1), report(2, status="merged", answered_by=scan_id(1)))
    ship.run_once()
    receipt = ship.receipt(2)
    assert (receipt.answer, receipt.superseded_by, receipt.attempts) == (
        "superseded",
        scan_id(1),
        0,
    )
    assert ship.answers == {2: "superseded"}


TEMPORARY: list[Answer | Early] = [
    *(
        reply(status, {"error": "later"})
        for status in (408, 409, 425, 429, 500, 501, 502, 503, 504, 507)
    ),
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
    server.answer(trouble)
    ship.put(report(1), report(2))
    ship.run_once()
    assert ship.answers == {}
    state = ship.destination
    assert state.state == "backing off"
    assert state.reason
    assert state.next_try
    ship.run_once()
    assert ship.answers == {1: "accepted", 2: "accepted"}
    assert sent(server)[-2:] == [1, 2]
    assert ship.destination.state == "ready"


PAUSING: list[Answer] = [
    *(reply(status, {"error": "no"}) for status in (401, 403, 404, 405, 407, 410, 426)),
    reply(302, Location="https://elsewhere.example/"),
    reply(400, "<html>bad gateway of a hotel</html>", "text/html"),
]


@pytest.mark.parametrize("trouble", PAUSING)
def test_what_an_operator_has_to_correct_pauses_and_discards_nothing(
    ship: Ship, server: ScriptedServer, trouble: Answer
) -> None:
    server.answer(trouble)
    ship.put(report(1), report(2))
    ship.run_once()
    assert len(server.requests) == 1
    state = ship.destination
    assert state.state == "paused"
    assert state.action
    assert 30 <= ship.stage.timeout_s() <= 60
    ship.run_once()
    assert ship.answers == {1: "accepted", 2: "accepted"}


@pytest.mark.parametrize(
    "refusal",
    [
        reply(400, {"error": "Invalid payload"}),
        reply(415, {"error": "no"}),
        reply(422, {"error": "no"}),
        reply(200, {"message": "ok", "scans_received": 0}),
    ],
)
def test_a_refusal_concludes_its_scan_and_the_next_goes_on(
    ship: Ship, server: ScriptedServer, refusal: Answer
) -> None:
    server.answer(refusal)
    ship.put(report(1), report(2))
    ship.run_once()
    assert ship.answers == {1: "refused", 2: "accepted"}
    assert ship.receipt(1).message
    ship.run_once()
    assert sent(server) == [1, 2]


def test_the_same_scan_goes_again_under_the_same_id_with_the_same_bytes(
    ship: Ship, server: ScriptedServer
) -> None:
    server.answer(reset, raw(b"HTTP/1.1 200 OK\r\n"), reply(503))
    ship.put(report(1))
    ship.run_once(2)
    ship.restart()
    ship.run_once(3)
    ship.replay(1)
    ship.run_once()
    assert sent(server) == [1] * 5
    assert {request.json["scan_id"] for request in server.requests} == {scan_id(1)}
    assert len({request.body for request in server.requests}) == 1


def test_without_a_server_results_stay_in_the_spool(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, None)
    ship.put(report(1))
    ship.run_once()
    assert (ship.answers, ship.destination.state) == ({}, "not set")
    with_settings(ship, server.url)
    ship.stage.run_once()
    assert ship.answers == {1: "accepted"}


def test_verify_false_is_logged_and_recorded(ship: Ship, server: ScriptedServer) -> None:
    with_settings(ship, server.url, server={"verify": False})
    ship.put(report(1))
    ship.run_once()
    assert ship.destination.verified is False
    assert "certificate is not checked" in ship.log


def test_a_pause_is_published_once_and_every_receipt_is(ship: Ship, server: ScriptedServer) -> None:
    server.answer(
        reply(401, {"error": "no"}),
        reply(401, {"error": "no"}),
        accepted,
        reply(422, {"error": "no"}),
    )
    ship.put(report(1), report(2))
    ship.run_once(3)
    assert [(event.name, event.scan_id, event.result) for event in ship.doorbell.published] == [
        ("ShippingPaused", None, None),
        ("ReportShipped", scan_id(1), "accepted"),
        ("ReportShipped", scan_id(2), "refused"),
    ]


def test_the_acknowledgement_is_that_of_the_receipt(ship: Ship, server: ScriptedServer) -> None:
    server.answer(reply(201, {"scan_id": "spec-7"}), reply(200, ACCEPTED))
    ship.put(report(1))
    ship.run_once()
    assert (ship.receipt(1).status_code, ship.receipt(1).server_scan_id) == (201, "spec-7")


def test_a_trickling_server_does_not_stop_a_stage_from_stopping(
    ship: Ship, server: ScriptedServer
) -> None:
    def stop_then_trickle(connection: Any) -> bool:
        ship.process.stop()
        return trickle(connection)

    server.answer(stop_then_trickle)
    ship.put(report(1))
    ship.run_once()
    assert ship.answers == {}
    ship.restart()
    ship.run_once()
    assert sent(server) == [1, 1]
