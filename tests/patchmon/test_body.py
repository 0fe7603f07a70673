"""One body for all servers."""

import hashlib
import json
from datetime import datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.report import Report, ScanStatus
from schemas.request import FailureCause
from stages.patchmon import body
from stages.patchmon.compliance_hash import compliance_hash
from tests.ship.ship_spool import report, rules

MIB = 1024 * 1024


def sent(one: Report, limit: int = 5 * MIB, *, with_hash: bool = True) -> Any:
    return json.loads(
        body.make(one, limit, filed_under="CIS", with_hash=with_hash, agent_version="1.2").content
    )


def test_the_specifications_server_finds_profile_summary_results() -> None:
    got = sent(report(1, results=rules(12)))
    assert got["profile"] == {"name": "CIS", "type": "openscap"}
    assert got["summary"] == {
        "total_rules": 12,
        "passed": 2,
        "failed": 2,
        "warnings": 2,
        "skipped": 4,
        "score": 16.67,
    }
    assert got["results"][0]["rationale"].startswith("rationale 0")
    assert "raw_output" not in got


def test_released_servers_find_the_flat_keys_as_they_count_them() -> None:
    got = sent(report(1, results=rules(12)))
    flat = {
        key: got[key]
        for key in ("profile_name", "profile_type", "total_rules", "passed", "failed", "warnings")
    }
    assert flat == {
        "profile_name": "CIS",
        "profile_type": "openscap",
        "total_rules": 12,
        "passed": 2,
        "failed": 2,
        "warnings": 2,
    }
    assert (got["skipped"], got["not_applicable"]) == (2, 2)
    assert got["score"] == 25.0
    assert "error" not in got


@pytest.mark.parametrize(
    ("moment", "sent_time"),
    [
        ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00Z"),
    ],
)
def test_a_moment_at_the_end_of_all_dates_stops_nothing(moment: str, sent_time: str) -> None:
    odd = codec.replace(report(1, results=rules(1)), completed_at=datetime.fromisoformat(moment))
    assert sent(odd)["completed_at"] == sent_time


def test_where_nothing_applied_the_flat_score_is_null() -> None:
    none_applied = tuple(codec.replace(rule, status="notapplicable") for rule in rules(3))
    got = sent(report(1, results=none_applied))
    assert got["score"] is None
    assert got["summary"]["score"] == 0


def test_the_scan_id_is_in_the_body_and_the_same_report_gives_the_same_bytes() -> None:
    one = report(1)
    assert sent(one)["scan_id"] == one.scan_id
    makes = {
        body.make(one, 5 * MIB, filed_under="CIS", with_hash=True, agent_version="1").content
        for _ in range(3)
    }
    assert len(makes) == 1


@pytest.mark.parametrize(
    ("status", "error", "sent_error"),
    [
        ("failed", "oscap crashed", "oscap crashed; profile CIS"),
        (
            "failed",
            "time limit 300 s: ended after 12 of 245 rules",
            "time limit 300 s; profile CIS: ended after 12 of 245 rules",
        ),
        (
            "failed",
            "oscap: the content is not of this system and was refused",
            "oscap; profile CIS: the content is not of this system and was refused",
        ),
        (
            "failed",
            "every rule of this profile was dropped: none left",
            "every rule of this…; profile CIS: every rule of this profile was dropped: none left",
        ),
        ("failed", "x" * 300, "x" * 23 + "…; profile CIS: " + "x" * 300),
        ("failed", None, "failed, reason unknown; profile CIS"),
        ("failed", " ", "failed, reason unknown; profile CIS"),
        ("cancelled", "cancelled by the operator", "cancelled; profile CIS: by the operator"),
        ("cancelled", "cancelled: by the operator", "cancelled; profile CIS: by the operator"),
        ("cancelled", "by the operator", "cancelled; profile CIS: by the operator"),
        ("cancelled", None, "cancelled; profile CIS"),
    ],
)
def test_a_scan_without_results_never_reads_as_clean(
    status: ScanStatus, error: str | None, sent_error: str
) -> None:
    got = sent(report(1, status=status, error=error))
    assert got["status"] == "failed"
    assert got["error"] == sent_error
    assert len(sent_error.partition(";")[0]) <= 24
    assert got["score"] is None


@pytest.mark.parametrize(
    ("cause", "error", "sent_error"),
    [
        (
            "content-missing",
            "openscap.content: /nowhere/x-ds.xml: not there",
            "content missing; profile CIS: openscap.content: /nowhere/x-ds.xml: not there",
        ),
        ("time-limit", "time limit: oscap was ended", "time limit; profile CIS: oscap was ended"),
        ("scanner-killed", None, "scanner killed; profile CIS"),
    ],
)
def test_the_cause_of_a_failure_comes_first_whatever_its_text(
    cause: FailureCause, error: str | None, sent_error: str
) -> None:
    got = sent(report(1, status="failed", error=error, cause=cause))
    assert got["error"] == sent_error


def test_every_cause_is_as_short_as_a_list_of_the_server_needs_it() -> None:
    assert max(map(len, get_args(FailureCause))) <= 24


def test_a_failed_scan_is_filed_under_another_name_and_keeps_its_profile() -> None:
    failed = report(1, status="failed")
    made = body.make(
        failed, 5 * MIB, filed_under="OpenSCAP Scan", with_hash=True, agent_version="1"
    )
    got = json.loads(made.content)
    assert (got["profile_name"], got["profile_type"]) == ("OpenSCAP Scan", "openscap")
    assert got["profile"] == {"name": "CIS", "type": "openscap"}


def test_times_are_utc_with_a_zone_also_where_the_report_has_none() -> None:
    one = codec.replace(report(1), started_at=datetime.fromisoformat("2026-01-02T03:04:05+02:00"))
    one = codec.replace(one, completed_at=datetime(2026, 1, 2, 3, 4, 5))  # noqa: DTZ001
    got = sent(one)
    assert (got["started_at"], got["completed_at"]) == (
        "2026-01-02T01:04:05Z",
        "2026-01-02T03:04:05Z",
    )


def test_nul_and_lone_surrogates_are_not_sent() -> None:
    odd = codec.replace(rules(1)[0], finding="a\0b\ud800c", title="ok\0")
    (got,) = sent(report(1, results=(odd,)))["results"]
    assert (got["finding"], got["title"]) == ("ab�c", "ok")


def test_the_rationale_is_also_at_the_end_of_the_description() -> None:
    both = codec.replace(rules(1)[0], description="What.", rationale="Why.")
    one = codec.replace(both, description=None)
    none = codec.replace(both, rationale=None)
    sent_rules = sent(report(1, results=(both, one, none)))["results"]
    assert [rule["description"] for rule in sent_rules] == [
        "What.\n\nRationale: Why.",
        "Rationale: Why.",
        "What.",
    ]
    assert [rule.get("rationale") for rule in sent_rules] == ["Why.", "Why.", None]


def test_the_hash_is_that_of_what_is_sent_and_can_be_left_out() -> None:
    one = report(1, results=rules(5), raw_output="é\u2028<&>")
    got = sent(one)
    hash_sent = got.pop("compliance_hash")
    assert hash_sent == compliance_hash((got,))
    assert got == sent(one, with_hash=False)


def kept(result: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in result.items() if k not in ("rationale", "description", "remediation")}


def test_the_raw_output_is_left_out_first_and_is_named() -> None:
    one = report(1, results=rules(6), raw_output="x" * 50_000)
    made = body.make(one, 20_000, filed_under="CIS", with_hash=True, agent_version="1")
    got = json.loads(made.content)
    assert "raw_output" not in got
    assert got["results"] == sent(one)["results"]
    assert len(made.left_out) == 1
    assert "raw output" in made.left_out[0]


def test_then_go_the_texts_of_rules_that_are_well_longest_first() -> None:
    long_texts = tuple(
        codec.replace(rule, description="d" * (1000 + 10 * number))
        for number, rule in enumerate(rules(12))
    )
    one = report(1, results=long_texts)
    full = len(body.make(one, 5 * MIB, filed_under="CIS", with_hash=True, agent_version="1"))
    got = sent(one, full - 1500)
    gone = [number for number, result in enumerate(got["results"]) if "description" not in result]
    # 0, 2, 6 and 8 passed or do not apply; the two longest suffice.
    assert gone == [6, 8]
    assert all("rationale" in result and "remediation" in result for result in got["results"])


def test_texts_of_rules_that_failed_go_last() -> None:
    one = report(1, results=rules(12, 1000))
    calm = ("pass", "notapplicable")
    full = len(body.make(one, 5 * MIB, filed_under="CIS", with_hash=True, agent_version="1"))
    got = sent(one, full - 16_000)
    texts = {
        result["status"]: sum(key in result for key in ("rationale", "description", "remediation"))
        for result in got["results"]
    }
    assert all(count == 0 for status, count in texts.items() if status in calm)
    assert any(count for status, count in texts.items() if status not in calm)


@settings(max_examples=60)
@given(limit=st.integers(100, 60_000), count=st.integers(0, 30), length=st.integers(1, 500))
def test_whatever_is_left_out_findings_and_statuses_stay(
    limit: int, count: int, length: int
) -> None:
    one = report(1, results=rules(count, length), raw_output="raw" * length)
    made = body.make(one, limit, filed_under="CIS", with_hash=True, agent_version="1")
    got = json.loads(made.content)
    assert [kept(result) for result in got["results"]] == [
        kept(result) for result in sent(one)["results"]
    ]
    assert len(made) <= limit or not made.may_shrink
    assert bool(made.left_out) == (
        got["results"] != sent(one)["results"] or "raw_output" not in got
    )
    assert got.pop("compliance_hash") == compliance_hash((got,))


def test_no_more_is_left_out_than_necessary() -> None:
    one = report(1, results=rules(60, 500))
    made = body.make(one, 60_000, filed_under="CIS", with_hash=True, agent_version="1")
    assert 60_000 - 2_000 < len(made) <= 60_000


def test_the_report_itself_stays_whole() -> None:
    one = report(1, results=rules(60, 500), raw_output="x" * 1000)
    before = hashlib.sha256(codec.encode(one)).digest()
    body.make(one, 1000, filed_under="CIS", with_hash=True, agent_version="1")
    assert hashlib.sha256(codec.encode(one)).digest() == before
