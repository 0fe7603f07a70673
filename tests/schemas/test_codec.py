from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.report import Report, RuleResult, RuleStatus, summarize
from schemas.request import Reason, Request

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)


def test_the_same_record_gives_the_same_bytes() -> None:
    request = Request(scan_id="x", scanner="openscap", reason=Reason(source="server", at=AT))  # type: ignore[arg-type]
    assert codec.encode(request) == codec.encode(codec.decode(codec.encode(request), Request))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b'{"scan_id": 1}',
        b"\xff",
        (
            b'{"scan_id":"x","scanner":"n '
            b'map","reason":{"source":"server","at":"2026-11-23T06:03:01Z"}}'
        ),
        b"[" * 200_000,
        b'{"scan_id":' * 200_000,
    ],
)
def test_what_is_not_a_record_is_a_schema_error_of_one_line(payload: bytes) -> None:
    with pytest.raises(codec.SchemaError) as caught:
        codec.decode(payload, Request)
    assert "\n" not in str(caught.value)
    assert str(caught.value)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999", b"-1"])
def test_numbers_that_are_not_counts_are_refused(number: bytes) -> None:
    payload = b'{"profile":{"name":"p","type":"openscap"},"status":"completed",'
    payload += b'"started_at":"2026-11-23T06:03:01Z",'
    payload += b'"completed_at":"2026-11-23T06:03:01Z","summary":{"total_rules":' + number + b"}}"
    with pytest.raises(codec.SchemaError):
        codec.decode(payload, Report)


statuses: st.SearchStrategy[RuleStatus] = st.sampled_from(
    ["pass", "fail", "warn", "skip", "notapplicable", "error"]
)


@given(st.lists(statuses))
def test_the_counts_are_those_of_the_results(message: list[RuleStatus]) -> None:
    summary = summarize(tuple(RuleResult(rule_ref="r", title="t", status=word) for word in message))
    assert summary.total_rules == len(message)
    assert (
        summary.passed + summary.failed + summary.warnings + summary.skipped + summary.errors
        == len(message)
    )
    assert summary.skipped == message.count("skip") + message.count("notapplicable")
    assert summary.score == (round(message.count("pass") / len(message) * 100, 2) if message else 0)
