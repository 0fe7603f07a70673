from datetime import UTC, datetime

import pytest

from schemas.codec import plain
from schemas.event import Event
from stages.patchmon.progress import ProgressQueue

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)


def rule(done: int, total: int | None = 44) -> Event:
    return Event(
        name="RuleEvaluated",
        scan_id="s",
        profile="CIS",
        rule=f"rule {done}",
        result="pass",
        done=done,
        total=total,
    )


def test_of_each_scan_only_the_newest_progress_is_sent_and_that_once() -> None:
    progress = ProgressQueue()
    for done in range(40):
        progress.take(rule(done), AT)
    message = progress.next()
    assert message is not None
    assert message.message.endswith("rule 39")
    assert progress.next() is None


def test_the_progress_of_a_scan_is_sent_from_start_to_delivery() -> None:
    progress = ProgressQueue()
    events = [
        Event(name="ScanStarted", scan_id="s", profile="CIS", total=44),
        rule(22),
        Event(name="ScanFinished", scan_id="s", result="finished"),
        Event(name="ReportWritten", scan_id="s", result="completed"),
        Event(name="ReportShipped", scan_id="s", result="accepted"),
    ]
    sent = []
    for event in events:
        progress.take(event, AT)
        message = progress.next()
        assert message is not None
        sent.append((message.phase, message.profile_name, message.progress))
    assert sent == [
        ("started", "CIS", 0),
        ("evaluating", "CIS", 45),
        ("parsing", "CIS", 92),
        ("sending", "CIS", 96),
        ("completed", "CIS", 100),
    ]


def test_the_end_of_a_scan_is_never_overtaken() -> None:
    progress = ProgressQueue()
    progress.take(
        Event(
            name="ScanFinished",
            scan_id="s",
            result="failed",
            message="oscap ended with exit code 1",
        ),
        AT,
    )
    progress.take(rule(3), AT)
    message = progress.next()
    assert message is not None
    assert (message.phase, message.error) == ("failed", "oscap ended with exit code 1")
    assert progress.next() is None


def test_a_server_that_takes_nothing_costs_no_memory() -> None:
    progress = ProgressQueue()
    for n in range(10_000):
        progress.take(Event(name="ScanStarted", scan_id=f"s{n}", profile="CIS"), AT)
    assert sum(1 for _ in range(1000) if progress.next()) == 100


def test_the_message_has_the_servers_fields() -> None:
    progress = ProgressQueue()
    progress.take(Event(name="ScanStarted", scan_id="s", profile="CIS"), AT)
    message = plain(progress.next())
    assert set(message) == {
        "type",
        "phase",
        "profile_name",
        "message",
        "progress",
        "error",
        "timestamp",
    }
    assert message["type"] == "compliance_scan_progress"
    assert message["timestamp"] == "2026-11-23T06:03:01Z"


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_scan_that_ended_badly_is_not_completed_by_its_delivery(outcome: str) -> None:
    progress = ProgressQueue()
    sent = []
    for event in (
        Event(name="ScanFinished", scan_id="s", result=outcome, message="why"),
        Event(name="ReportWritten", scan_id="s", result=outcome),
        Event(name="ReportShipped", scan_id="s", result="accepted"),
    ):
        progress.take(event, AT)
        if message := progress.next():
            sent.append((message.phase, message.error))
    assert sent == [(outcome, "why")]


def test_results_that_cannot_be_read_are_sent_as_failed() -> None:
    progress = ProgressQueue()
    progress.take(Event(name="ScanFinished", scan_id="s", result="finished"), AT)
    progress.take(Event(name="ReportWritten", scan_id="s", result="failed"), AT)
    message = progress.next()
    assert message is not None
    assert message.phase == "failed"
    assert message.error


def test_every_scan_that_was_started_has_an_end() -> None:
    for answer, phase in (
        ("accepted", "completed"),
        ("superseded", "completed"),
        ("refused", "failed"),
    ):
        progress = ProgressQueue()
        progress.take(Event(name="ScanStarted", scan_id="s", profile="CIS"), AT)
        progress.take(Event(name="ReportShipped", scan_id="s", result=answer, message="why"), AT)
        message = progress.next()
        assert message is not None
        assert message.phase == phase


def test_no_progress_is_sent_of_a_request_that_another_scan_has_answered() -> None:
    progress = ProgressQueue()
    progress.take(Event(name="ScanFinished", scan_id="s", result="merged"), AT)
    progress.take(Event(name="ReportWritten", scan_id="s", result="merged"), AT)
    progress.take(Event(name="ReportShipped", scan_id="s", result="superseded"), AT)
    assert progress.next() is None
