"""Damaged reports, and a disk that takes no receipts."""

from typing import Any

import pytest

from spool.errors import StorageError
from tests.patchmon.scripted_server import ScriptedServer, accepted, sent
from tests.ship.ship_spool import Ship, report, scan_id


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
        ship.run_once()
        assert ship.answers == {2: "accepted"}
        assert f"{scan_id(1)}.report" in ship.spool.state_store("ship").damaged()

    def test_a_report_under_another_ones_name_is_damage(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        ship.put(report(2))
        box = ship.spool.reports.path
        (box / f"{scan_id(2)}.report").rename(box / f"{scan_id(1)}.report")
        ship.run_once()
        assert server.requests == []
        assert f"{scan_id(1)}.report" in ship.spool.state_store("ship").damaged()

    def test_what_is_not_a_report_is_left_alone(self, ship: Ship, server: ScriptedServer) -> None:
        for name in ("notes.txt", f"{scan_id(1)}.receipt", ".hidden", "x.report"):
            (ship.spool.reports.path / name).write_text("?")
        (ship.spool.reports.path / f"{scan_id(2)}.report").symlink_to("/etc/passwd")
        ship.put(report(3))
        ship.run_once()
        assert ship.answers == {3: "accepted"}

    def test_a_report_that_is_made_again_is_sent(self, ship: Ship, server: ScriptedServer) -> None:
        path = ship.spool.reports.path / f"{scan_id(1)}.report"
        path.write_bytes(b"\0" * 500)
        ship.run_once()
        path.unlink()
        ship.put(report(1))
        ship.run_once()
        assert ship.answers == {1: "accepted"}


class TestFullDisk:
    """The disk takes no receipts: `receipts/` is put out of the way, so that every write there
    fails.
    """

    def test_an_accepted_scan_is_not_sent_again_and_its_receipt_comes_later(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        box = ship.spool.receipts.path
        ship.put(report(1), report(2))

        def accept_and_break(connection: Any) -> bool:
            (box / f".{scan_id(1)}.receipt.tmp").mkdir()
            return bool(accepted(connection))

        server.answer(accept_and_break)
        with pytest.raises(StorageError):
            ship.run_once()
        for _ in range(3):
            with pytest.raises(StorageError):
                ship.run_once()
        assert sent(server) == [1]
        (box / f".{scan_id(1)}.receipt.tmp").rmdir()
        ship.run_once()
        assert ship.answers == {1: "accepted", 2: "accepted"}
        assert sent(server) == [1, 2]

    def test_with_several_profiles_at_most_two_are_sent_while_receipts_can_not_be_written(
        self, ship: Ship, server: ScriptedServer
    ) -> None:
        box = ship.spool.receipts.path
        blocker = box / f".{scan_id(1)}.receipt.tmp"
        blocker.mkdir()
        ship.put(*(report(number, f"profile {number}") for number in range(1, 6)))
        for _ in range(3):
            with pytest.raises(StorageError):
                ship.run_once()
        assert sent(server) == [1, 2]
        blocker.rmdir()
        ship.run_once()
        assert sent(server) == [1, 2, 3, 4, 5]
