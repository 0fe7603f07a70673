"""The ship stage against the project's own receiver, as released servers and as the specification's
server.
"""

from pathlib import Path
from typing import Any, Literal

import pytest

from receiver.policy import Policy
from receiver.server import Receiver
from schemas.codec import replace
from schemas.settings import ApiSettings
from tests.ship.ship_spool import Ship, report, rules, scan_id

pytestmark = pytest.mark.slow


def shipped(tmp_path: Path, receiver: Receiver, *reports: Any) -> Ship:
    ship = Ship(tmp_path, receiver.url)
    api = ApiSettings(id=receiver.credentials.id, key=receiver.credentials.key)
    ship.process.settings = replace(ship.settings, api=api)
    ship.put(*reports)
    ship.run_once(2)
    ship.close()
    return ship


@pytest.mark.parametrize("reader", ["released", "specification"])
def test_one_body_is_read_by_both_kinds_of_server(
    tmp_path: Path, reader: Literal["released", "specification"]
) -> None:
    odd = replace(rules(1)[0], finding="naïve\u2028<b>&\0", title=" ＴＩＴＬＥ ")
    with Receiver(Policy(reader=reader)) as receiver:
        ship = shipped(
            tmp_path, receiver, report(1, results=(odd, *rules(6))), report(2, "B", "failed")
        )
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert ship.receipt(1).server_scan_id
        assert ship.receipt(1).remarks == ()
        held = {scan["profile_name"]: scan for scan in receiver.scans()}
    failed = "OpenSCAP Scan" if reader == "released" else "B"
    assert held["CIS"]["passed"] == 2
    assert held[failed]["status"] == "failed"


def test_a_scanner_that_is_switched_off_there_is_a_refusal(tmp_path: Path) -> None:
    with Receiver(Policy(scanners_off=frozenset({"openscap"}))) as receiver:
        ship = shipped(tmp_path, receiver, report(1))
    assert ship.answers == {1: "refused"}
    assert "switched off" in (ship.receipt(1).message or "")


def test_a_server_with_a_smaller_limit_takes_the_scan_truncated(tmp_path: Path) -> None:
    long = report(1, results=rules(400, 1500))
    with Receiver(Policy(max_body=1_200_000)) as receiver:
        ship = shipped(tmp_path, receiver, long)
        assert ship.answers == {1: "accepted"}
        assert ship.receipt(1).left_out
        (scan,) = receiver.scans()
        assert len(scan["results"]) == 400


def test_the_newest_of_a_backlog_is_the_one_that_the_server_holds(tmp_path: Path) -> None:
    with Receiver() as receiver:
        ship = shipped(tmp_path, receiver, *(report(number) for number in (3, 1, 2)))
        assert ship.answers == {1: "accepted", 2: "accepted", 3: "accepted"}
        (scan,) = receiver.scans()
    assert scan["started_at"].startswith("2026-11-23T03:03")
    assert scan_id(3) in str(ship.receipt(3))


def test_the_default_pace_never_meets_the_servers_limiter(tmp_path: Path) -> None:
    with Receiver() as receiver:
        ship = Ship(tmp_path, receiver.url, delivery={"per_minute": 9})
        api = ApiSettings(id=receiver.credentials.id, key=receiver.credentials.key)
        ship.process.settings = replace(ship.settings, api=api)
        ship.put(*(report(number) for number in range(20)))
        ship.run_once(5)
        ship.close()
        assert len(receiver.posts()) == 9
    assert len(ship.answers) == 9
