"""The stage's worker, without a process round it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import ScanId
from schemas.request import Cancellation, Reason, Request
from stages.trigger.messages import Cancel, Scan, Wanted
from stages.trigger.stage import TriggerStage
from tests.trigger.worker import At, process_at

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OPERATOR = Reason(source="operator", at=NOW)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[At]:
    process = process_at(NOW, tmp_path / "spool")
    yield process
    process.spool.release()


def command(process: At, token: str) -> ScanId:
    scan_id = ScanId(f"20260601T000000Z-openscap-{token}")
    request = Request(scan_id=scan_id, scanner="openscap", reason=OPERATOR)
    process.spool.commands.write(scan_id, "request", request)
    return scan_id


def test_the_operators_commands_are_copied_as_they_are_and_once(process: At) -> None:
    scan_id = command(process, "0000000a")
    cancellation = Cancellation(scan_ids=(scan_id,), reason=OPERATOR)
    process.spool.commands.write("20260601T000001Z-0000000b", "cancel", cancellation)
    stage = TriggerStage(process)
    stage.look()
    stage.look()
    box = process.spool.requests
    assert box.names() == ["20260601T000000Z-openscap-0000000a.request", "20260601T000001Z-0000000b.cancel"]
    assert box.read("20260601T000001Z-0000000b", "cancel", Cancellation) == cancellation
    assert [request.reason for request in process.asked] == [OPERATOR]
    assert process.said.getvalue().count("command taken") == 2


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"{}", b"compliance-agent-spool 1 request 2 00\n{}"])
def test_a_damaged_command_is_told_once_and_the_rest_goes_on(process: At, damage: bytes) -> None:
    broken, good = command(process, "0000000a"), command(process, "0000000b")
    (process.spool.commands.path / f"{broken}.request").write_bytes(damage)
    stage = TriggerStage(process)
    stage.look()
    stage.look()
    assert [request.scan_id for request in process.asked] == [good]
    assert process.said.getvalue().count("damaged command, give it again") == 1
    assert list(process.notes.damaged()) == [f"{broken}.request"]


def test_what_the_server_said_before_the_end_is_an_entry_after_it(process: At) -> None:
    stage = TriggerStage(process)
    for n in range(120):
        stage._server._take(Scan((Wanted("openscap"),), f"r-{n:03}"))
    stage._server._take(Cancel())
    stage.close()
    assert sorted(r.reason.request_id or "" for r in process.asked) == [f"r-{n:03}" for n in range(120)]
    (cancel,) = process.spool.requests.ids("cancel")
    assert len(process.spool.requests.read(cancel, "cancel", Cancellation).scan_ids) == 120


def test_a_cancel_with_nothing_to_end_leaves_nothing(process: At) -> None:
    stage = TriggerStage(process)
    stage._server._take(Cancel())
    stage.look()
    assert process.spool.requests.names() == []
