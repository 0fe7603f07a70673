"""The trigger stage without a process of its own."""

import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import ScanId
from schemas.request import Cancellation, Reason, Request
from spool.frame import seal
from stages.trigger.stage import TriggerStage
from tests.pipeline.agent import until
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
    process.spool.commands.requests.write(request)
    return scan_id


def test_the_operators_commands_are_copied_as_they_are_and_once(process: At) -> None:
    scan_id = command(process, "0000000a")
    cancellation = Cancellation(scan_ids=(scan_id,), reason=OPERATOR)
    process.spool.commands.cancellations.write("20260601T000001Z-0000000b", cancellation)
    stage = TriggerStage(process)
    stage.run_once()
    stage.run_once()
    box = process.spool.requests
    assert box.names() == [
        "20260601T000000Z-openscap-0000000a.request",
        "20260601T000001Z-0000000b.cancel",
    ]
    assert box.cancellations.read("20260601T000001Z-0000000b") == cancellation
    assert [request.reason for request in process.requests] == [OPERATOR]
    assert process.log_text.getvalue().count("command copied") == 2


def a_request(scan_id: str, **fields: object) -> bytes:
    """Any content, sealed as an entry."""
    reason = {"source": "operator", "at": "2026-06-01T00:00:00Z"}
    request = {"scan_id": scan_id, "scanner": "openscap", "reason": reason, **fields}
    return seal("request", json.dumps(request).encode())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\0" * 100, "zeros"),
        (b"{}", "no entry header"),
        (b"compliance-agent-spool 1 request 2 00\n{}", "SHA-256"),
        (a_request("20260601T000000Z-openscap-0000000a", profile="p" * 257), "256"),
        (a_request("20260601T000000Z-openscap-0000000a", token="-x"), "token"),
        (a_request("20260601T000000Z-openscap-0000000b"), "0000000b"),
        (a_request("20260601T000000Z-openscap-0000000a", scanner="docker-bench"), "docker-bench"),
    ],
)
def test_a_request_that_cannot_be_read_becomes_one_that_fails_with_the_reason(
    process: At, content: bytes, why: str
) -> None:
    broken, good = command(process, "0000000a"), command(process, "0000000c")
    (process.spool.commands.path / f"{broken}.request").write_bytes(content)
    stage = TriggerStage(process)
    stage.run_once()
    stage.run_once()
    refused, taken = process.requests
    assert (refused.scan_id, taken.scan_id) == (broken, good)
    assert (refused.scanner, refused.profile) == ("openscap", None)
    assert refused.refusal is not None
    assert why in refused.refusal.reason
    assert refused.refusal.cause == "damaged"
    assert taken.refusal is None


def test_a_cancellation_that_cannot_be_read_is_logged_once_and_the_rest_goes_on(
    process: At,
) -> None:
    name = "20260601T000000Z-0000000a.cancel"
    good = command(process, "0000000b")
    (process.spool.commands.path / name).write_bytes(a_request("20260601T000000Z-0000000a"))
    stage = TriggerStage(process)
    stage.run_once()
    stage.run_once()
    assert [request.scan_id for request in process.requests] == [good]
    assert process.log_text.getvalue().count("damaged command: repeat it") == 1
    assert list(process.state_store.damaged()) == [name]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_request_that_only_root_can_read_is_set_aside_until_its_mode_is_right() -> None:
    with tempfile.TemporaryDirectory(prefix="ca") as directory:
        Path(directory).chmod(0o777)
        os.seteuid(65534)
        try:
            process = process_at(NOW, Path(directory) / "spool")
            os.seteuid(0)
            scan_id = command(process, "0000000a")
            path = process.spool.commands.path / f"{scan_id}.request"
            path.chmod(0o600)
            other = command(process, "0000000b")
            os.seteuid(65534)
            stage = TriggerStage(process)
            stage.run_once()
            assert [request.scan_id for request in process.requests] == [other]
            assert "can't be read: Permission denied" in process.log_text.getvalue()
            os.seteuid(0)
            path.chmod(0o644)
            os.seteuid(65534)

            def is_copied() -> bool:
                stage.run_once()
                return len(process.requests) == 2

            until(is_copied, "the request is copied")
        finally:
            os.seteuid(0)
        process.spool.release()


def test_a_command_that_arrived_before_the_end_is_an_entry_after_it(process: At) -> None:
    stage = TriggerStage(process)
    for n in range(120):
        stage._server._on_message(f'{{"type": "compliance_trigger", "request_id": "r-{n:03}"}}')
    stage._server._on_message('{"type": "compliance_scan_cancel"}')
    stage.close()
    assert sorted(r.reason.request_id or "" for r in process.requests) == [
        f"r-{n:03}" for n in range(120)
    ]
    (cancel,) = process.spool.requests.cancellations.ids()
    assert len(process.spool.requests.cancellations.read(cancel).scan_ids) == 120


def test_a_cancel_without_a_pending_scan_writes_nothing(process: At) -> None:
    stage = TriggerStage(process)
    stage._server._on_message('{"type": "compliance_scan_cancel"}')
    stage.run_once()
    assert process.spool.requests.names() == []
