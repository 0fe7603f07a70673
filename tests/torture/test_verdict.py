"""What the torture counts: each kind of damage is found, and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.ids import ScanId, new_scan_id
from schemas.receipt import Answer, Receipt
from schemas.request import Reason, Request
from spool.spool import Spool
from tests.torture import verdict
from tests.torture.run_record import RunRecord

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = (new_scan_id("openscap", AT + timedelta(minutes=n)) for n in range(3))


def post(scan_id: ScanId, profile: str = "CIS", minutes: float = 0) -> dict[str, Any]:
    at = (AT + timedelta(minutes=minutes)).isoformat()
    return {"scan_id": scan_id, "profile": profile, "status": "completed", "at": at}


def receipts(**answers: Answer) -> dict[ScanId, Receipt]:
    """A receipt of an hour later for each of the scans that are named."""
    named = {"first": FIRST, "second": SECOND, "third": THIRD}
    found: dict[ScanId, Receipt] = {}
    for name, answer in answers.items():
        scan_id = named[name]
        found[scan_id] = Receipt(
            scan_id=scan_id, answer=answer, at=AT + timedelta(hours=1), profile="CIS"
        )
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def test_a_request_without_a_receipt_is_unfinished(spool: Spool) -> None:
    assert verdict.unfinished(spool, RunRecord(requested=[FIRST])) == [FIRST]
    spool.receipts.write(receipts(first="accepted")[FIRST])
    assert verdict.unfinished(spool, RunRecord(requested=[FIRST])) == []


def test_an_acceptance_that_the_server_does_not_know_is_a_loss() -> None:
    both = receipts(first="accepted", second="superseded")
    assert len(list(verdict.never_received(both, []))) == 1
    assert list(verdict.never_received(both, [post(FIRST)])) == []


def test_a_request_id_that_became_two_requests_is_doubled(spool: Spool) -> None:
    for scan_id in (FIRST, SECOND):
        reason = Reason(source="server", at=AT, request_id="r-1")
        spool.requests.write(Request(scan_id=scan_id, scanner="openscap", reason=reason))
    assert list(verdict.taken_up_twice(spool)) == ["request id r-1: 2 requests"]


def test_a_due_time_that_became_two_requests_is_doubled(spool: Spool) -> None:
    for scan_id in (FIRST, SECOND):
        reason = Reason(source="schedule", at=AT, detail="0 3 * * *, due 2026-11-23 03:00Z")
        spool.requests.write(Request(scan_id=scan_id, scanner="openscap", reason=reason))
    assert len(list(verdict.taken_up_twice(spool))) == 1


def test_a_scan_without_a_new_receipt_after_its_replay_is_unfinished(spool: Spool) -> None:
    spool.receipts.write(receipts(first="accepted")[FIRST])
    before, after = AT + timedelta(minutes=59), AT + timedelta(minutes=61)
    assert verdict.unfinished(spool, RunRecord(replayed={FIRST: before})) == []
    assert verdict.unfinished(spool, RunRecord(replayed={FIRST: after})) == [FIRST]


def test_a_request_that_only_the_log_has_is_lost(spool: Spool) -> None:
    lines = [f"trigger info: command copied scan_id={FIRST} kind=request"]
    lines.append(f"trigger info: scan requested scan_id={SECOND} by=server")
    reason = Reason(source="server", at=AT)
    spool.requests.write(Request(scan_id=FIRST, scanner="openscap", reason=reason))
    assert list(verdict.never_kept(spool, "\n".join(lines))) == [
        f"{SECOND}: is in the log, but not in requests/"
    ]


def test_a_damaged_receipt_ends_no_count(spool: Spool) -> None:
    (spool.receipts.path / f"{FIRST}.receipt").write_bytes(bytes(100))
    assert verdict.readable_receipts(spool) == {}
    assert verdict.unfinished(spool, RunRecord(requested=[FIRST])) == []


def test_a_report_that_is_sent_after_its_receipt_is_doubled() -> None:
    answered = receipts(first="accepted")
    assert list(verdict.sent_after_the_receipt(answered, [post(FIRST, minutes=59)])) == []
    assert len(list(verdict.sent_after_the_receipt(answered, [post(FIRST, minutes=61)]))) == 1


def test_a_report_that_is_concluded_twice_is_doubled() -> None:
    line = f"ship info: report accepted scan_id={FIRST} bytes=1\n"
    assert list(verdict.concluded_twice(line, RunRecord())) == []
    assert list(verdict.concluded_twice(line * 2, RunRecord(replayed={FIRST: AT}))) == []
    assert list(verdict.concluded_twice(line * 2, RunRecord())) == [f"{FIRST}: concluded 2 times"]


def test_an_older_scan_after_a_newer_one_is_out_of_order() -> None:
    assert list(verdict.overtaken([post(FIRST), post(FIRST), post(SECOND)])) == []
    assert list(verdict.overtaken([post(SECOND), post(FIRST, "other")])) == []
    assert list(verdict.overtaken([post(FIRST), post(THIRD), post(SECOND)])) == [
        f"CIS: {SECOND} after {THIRD}"
    ]


def test_a_server_without_the_newest_accepted_scan_is_stale() -> None:
    both = receipts(first="accepted", second="accepted")
    assert list(verdict.stale(both, [post(FIRST), post(SECOND)])) == []
    assert len(list(verdict.stale(both, [post(SECOND), post(FIRST)]))) == 1


@pytest.mark.parametrize(
    "name",
    [
        "requests/.x.request.tmp",
        "state/parse/x.attempts",
        "state/ship/x.report.damaged",
        "state/scan/running",
    ],
)
def test_what_a_crash_left_is_found(spool: Spool, name: str) -> None:
    (spool.root / "state" / "scan" / ".lock").touch()
    assert verdict.left_over(spool) == []
    (spool.root / name).touch()
    assert verdict.left_over(spool) == [name]
