"""Every row of the table of replies, on the pure decision."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.patchmon import retry_after
from stages.patchmon.outcome import Accepted, Outcome, Paused, Refused, Temporary, decide
from stages.patchmon.reply import Reply

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HTML = "<!DOCTYPE html><html><title>Log in to the hotel's network</title></html>"


def answer(status: int, body: object = "", **headers: str) -> Outcome:
    content = (
        body
        if isinstance(body, bytes)
        else (body if isinstance(body, str) else json.dumps(body)).encode()
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return decide(Reply(status, named, content), NOW)


def test_a_released_server_acknowledges_by_the_number_of_scans_it_stored() -> None:
    body = {"message": "ok", "scans_received": 1, "scans": [{"scan_id": "abc", "score": 80}]}
    assert answer(200, body) == Accepted(200, "ok", "abc")


@pytest.mark.parametrize(
    "body",
    [
        {"scan_id": "abc"},
        {"scanId": "abc"},
        {"scan": {"id": "abc"}},
        {"scan_id": "abc", "success": True, "error": None},
        {"scan_id": "abc", "status": "failed"},
        {"scan_id": "abc", "success": None, "error": "", "errors": []},
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_specification_server_acknowledges_by_a_scan_id(status: int, body: object) -> None:
    outcome = answer(status, body)
    assert isinstance(outcome, Accepted)
    assert outcome.server_scan_id == "abc"


@pytest.mark.parametrize(
    "body",
    [
        "",
        HTML,
        "OK",
        "{}",
        "[]",
        "null",
        "1",
        '"scan_id"',
        '{"scans_received": 1',
        '{"message": "ok"}',
        '{"scan_id": ""}',
        '{"scan_id": null}',
        '{"scan_id": true}',
        '{"scans_received": "1"}',
        '{"scans_received": true}',
        '{"scans_received": -1}',
        '{"scans_received": null, "scan_id": "abc"}',
        '{"id": "abc"}',
        '{"id": 7, "message": "ok"}',
        '{"scan_id": "abc", "success": false}',
        '{"scan_id": "abc", "success": "no"}',
        '{"scan_id": "abc", "error": "database is locked"}',
        '{"scan_id": "abc", "error": {"code": 7}}',
        '{"scan_id": "abc", "errors": ["not stored"]}',
        '{"scans_received": 1, "success": false}',
        '{"scans_received": 1, "error": "not stored"}',
        '{"scan_id": "abc", "ok": false}',
        '{"scan_id": "abc", "status": "error"}',
        '{"scan": "abc"}',
        '{"scan_id": "abc", "scan_id": "abd"}',
        '{"scans_received": 0, "scans_received": 1}',
        '{"scans_received": 1, "scans": [{"scan_id": "a", "scan_id": "b"}]}',
        '{"scan_id": ' + "9" * 5000 + "}",
        "[" * 200_000,
        b"\xff\xfe\x00",
    ],
)
def test_what_does_not_say_so_is_not_an_acknowledgement(body: str | bytes) -> None:
    outcome = answer(200, body)
    assert isinstance(outcome, Temporary)
    assert outcome.action


def test_the_id_of_what_was_created_acknowledges_by_itself() -> None:
    assert answer(201, {"id": "abc"}) == Accepted(201, '{"id": "abc"}', "abc")
    assert isinstance(answer(201, {"id": "abc", "error": "not stored"}), Temporary)


def test_an_acknowledgement_longer_than_is_ever_read_is_none() -> None:
    reply = Reply(200, {}, b'{"scan_id": "abc"}', overlong=True)
    assert isinstance(decide(reply, NOW), Temporary)


def test_a_scanner_that_is_switched_off_at_the_server_is_refused_for_good() -> None:
    outcome = answer(200, {"message": "ok", "scans_received": 0, "scans": []})
    assert isinstance(outcome, Refused)
    assert outcome.remedy is None
    assert "switched off" in outcome.message


@pytest.mark.parametrize("status", [202, 203, 204, 206])
def test_other_successes_are_not_acknowledgements(status: int) -> None:
    assert isinstance(answer(status, {"scan_id": "abc"}), Temporary)


@pytest.mark.parametrize("status", [400, 415, 422])
def test_the_servers_own_refusal_is_final_and_keeps_its_message(status: int) -> None:
    outcome = answer(status, {"error": "profile unknown"})
    assert outcome == Refused(status, f"HTTP {status}: profile unknown")


@pytest.mark.parametrize("status", [400, 415, 422])
def test_a_page_of_html_in_the_servers_place_discards_nothing(status: int) -> None:
    assert isinstance(answer(status, HTML), Paused)
    assert isinstance(answer(status, "Bad", content_type="text/html"), Paused)


@pytest.mark.parametrize("status", [400, 415, 422])
@pytest.mark.parametrize("body", ["", " \r\n"])
def test_a_status_without_an_answer_discards_nothing(status: int, body: str) -> None:
    assert isinstance(answer(status, body), Paused)


def test_a_hash_mismatch_may_be_sent_without_the_hash() -> None:
    outcome = answer(400, {"error": "compliance hash mismatch"})
    assert isinstance(outcome, Refused)
    assert outcome.remedy == "no hash"


@pytest.mark.parametrize("body", [{"error": "too large"}, HTML, ""])
def test_a_body_that_is_too_large_may_be_truncated_whoever_refuses_it(body: object) -> None:
    outcome = answer(413, body)
    assert isinstance(outcome, Refused)
    assert outcome.remedy == "truncate"


def test_invalid_json_means_that_the_body_is_over_the_server_s_limit() -> None:
    outcome = answer(400, {"error": "Invalid JSON body"})
    assert isinstance(outcome, Refused)
    assert outcome.remedy == "truncate"


def test_another_complaint_about_json_is_not_a_reason_to_truncate() -> None:
    message = "Validation failed: results[0].finding: invalid json pointer"
    outcome = answer(400, {"error": message})
    assert isinstance(outcome, Refused)
    assert outcome.remedy is None


def test_a_host_name_that_the_server_does_not_accept_is_named_with_its_setting() -> None:
    outcome = answer(403, {"error": "Host not allowed.", "code": "host_mismatch"})
    assert isinstance(outcome, Paused)
    assert "CORS_ORIGIN" in outcome.action
    other = answer(403, {"error": "no"})
    assert isinstance(other, Paused)
    assert "CORS_ORIGIN" not in other.action


@pytest.mark.parametrize(
    "status", [401, 402, 403, 404, 405, 406, 407, 410, 411, 418, 421, 426, 431, 451]
)
@pytest.mark.parametrize("body", [{"error": "no"}, HTML, ""])
def test_what_an_operator_has_to_correct_pauses_the_destination(status: int, body: object) -> None:
    outcome = answer(status, body)
    assert isinstance(outcome, Paused)
    assert outcome.action


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
def test_a_redirect_that_was_not_followed_pauses_the_destination(status: int) -> None:
    assert isinstance(answer(status), Paused)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 501, 502, 503, 504, 507, 599])
def test_what_passes_by_itself_is_temporary(status: int) -> None:
    assert isinstance(answer(status, {"error": "later"}), Temporary)


def test_429_without_a_time_waits_a_minute() -> None:
    outcome = answer(429, {"error": "Too many scan submissions, please try again later"})
    assert isinstance(outcome, Temporary)
    assert outcome.retry_after_s == 60


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 413, 422, 429, 500, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (str(10 * 365 * 24 * 3600), 24 * 3600),
        (format_datetime(NOW + timedelta(days=3650), usegmt=True), 24 * 3600),
    ],
)
def test_retry_after_is_respected_in_both_forms_and_capped_at_a_day(
    status: int, value: str, seconds: int
) -> None:
    outcome = answer(status, retry_after=value)
    assert not isinstance(outcome, Accepted)
    assert outcome.retry_after_s == seconds


@pytest.mark.parametrize(
    "value",
    [
        "-5",
        "0",
        "soon",
        "1.5",
        "9" * 5000,
        "١٢",
        "1e3",
        format_datetime(NOW - timedelta(hours=1), usegmt=True),
        "Mon, 99 Foo",
    ],
)
def test_a_retry_after_that_names_no_later_moment_leaves_our_own_backoff(value: str) -> None:
    assert retry_after.seconds(value, NOW) == 0
    for status in (429, 503, 401):
        outcome = answer(status, retry_after=value)
        assert not isinstance(outcome, Accepted)
        assert outcome.retry_after_s == 0


@given(st.text(max_size=80))
def test_no_retry_after_ever_waits_less_than_nothing_or_more_than_a_day(value: str) -> None:
    wait = retry_after.seconds(value, NOW)
    assert 0 <= wait <= 24 * 3600


@given(
    st.integers(100, 599),
    st.binary(max_size=200),
    st.sampled_from(["application/json", "text/html", ""]),
)
def test_every_reply_has_one_outcome_and_its_message_is_one_short_line(
    status: int, body: bytes, kind: str
) -> None:
    outcome = decide(Reply(status, {"content-type": kind}, body), NOW)
    assert isinstance(outcome, Accepted | Refused | Paused | Temporary)
    if outcome.message is not None:
        assert outcome.message.isprintable()
        assert len(outcome.message) < 600


@given(st.integers(100, 599), st.binary(max_size=200))
def test_only_200_and_201_with_an_object_accept(status: int, body: bytes) -> None:
    outcome = decide(Reply(status, {}, body), NOW)
    if isinstance(outcome, Accepted):
        assert status in (200, 201)
        assert isinstance(json.loads(body), dict)
