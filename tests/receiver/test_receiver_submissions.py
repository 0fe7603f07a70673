"""Submissions over HTTP: the checks in their order, what is stored, and queries afterwards."""

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from receiver import Policy, Receiver, generate_credentials
from stages.patchmon.compliance_hash import compliance_hash

pytestmark = pytest.mark.slow

SCANS = "/api/v1/compliance/scans"
SCAN: dict[str, Any] = {
    "profile_name": "Linux Baseline - Standard",
    "profile_type": "openscap",
    "status": "completed",
    "started_at": "2026-11-20T10:00:00Z",
    "completed_at": "2026-11-20T10:05:00Z",
    "score": 50.0,
    "total_rules": 2,
    "passed": 1,
    "failed": 1,
    "results": [
        {"rule_ref": "a", "status": "pass"},
        {"rule_ref": "b", "status": "fail", "actual": "0777"},
    ],
}
SPECIFIED: dict[str, Any] = {
    "profile": {"name": "Linux Baseline - Standard", "type": "openscap", "version": "1.0.0"},
    "summary": {
        "total_rules": 2,
        "passed": 1,
        "failed": 1,
        "warnings": 0,
        "skipped": 0,
        "score": 50.0,
    },
    "raw_output": "out",
}


def policy(**changes: Any) -> Policy:
    return Policy(**{"posts_per_minute": 1000, **changes})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(policy()) as running:
        yield running


def post(receiver: Receiver, body: object, **headers: str | None) -> requests.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(
        receiver.url + SCANS, data=content, headers={**receiver.headers, **headers}, timeout=30
    )


def answer(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


UNREADABLE = (400, "Invalid JSON body")


def test_a_flat_scan_is_stored_and_answered(receiver: Receiver) -> None:
    response = post(receiver, SCAN)
    (stored,) = receiver.scans()
    assert response.status_code == 200
    assert response.json() == {
        "message": response.json()["message"],
        "scans_received": 1,
        "scans": [
            {
                "scan_id": stored["scan_id"],
                "profile_name": SCAN["profile_name"],
                "score": 50.0,
                "stats": {
                    "total_rules": 2,
                    "passed": 1,
                    "failed": 1,
                    "warnings": 0,
                    "skipped": 0,
                    "not_applicable": 0,
                },
                "results_stored": 2,
            }
        ],
    }
    assert [result["actual"] for result in stored["results"]] == [None, "0777"]
    assert stored["api_id"] == receiver.credentials.id


def test_several_scans_come_in_an_array(receiver: Receiver) -> None:
    response = post(
        receiver, {"scans": [SCAN, {**SCAN, "profile_name": "CIS Docker"}], "hostname": "h"}
    )
    assert response.json()["scans_received"] == 2
    assert [scan["profile_name"] for scan in receiver.scans()] == [
        SCAN["profile_name"],
        "CIS Docker",
    ]


def test_every_post_is_logged_with_its_answer(receiver: Receiver) -> None:
    post(receiver, SCAN, **{"Idempotency-Key": "20261120T100000Z-openscap-00000000"})
    post(receiver, b"broken")
    requests.post(receiver.url + SCANS, data=b"{}", timeout=30)
    posts = receiver.posts()
    assert [one["status"] for one in posts] == [200, 400, 401]
    assert [one["idempotency_key"] for one in posts] == [
        "20261120T100000Z-openscap-00000000",
        None,
        None,
    ]
    assert [one["api_id"] for one in posts] == [
        receiver.credentials.id,
        receiver.credentials.id,
        None,
    ]
    assert json.loads(posts[0]["body"]) == SCAN
    assert posts[1]["body_sha256"] == hashlib.sha256(b"broken").hexdigest()
    assert all(one["received_at"].startswith("20") for one in posts)


def test_the_one_body_for_all_servers_is_readable_by_both(receiver: Receiver) -> None:
    post(receiver, {**SPECIFIED, **SCAN})
    post(receiver, SPECIFIED)
    post(receiver, SCAN)
    problems = [(one["released_problem"], one["specification_problem"]) for one in receiver.posts()]
    assert problems[0] == (None, None)
    assert [(bool(released), bool(specified)) for released, specified in problems[1:]] == [
        (True, False),
        (False, True),
    ]


def test_the_specification_s_server_reads_profile_and_summary() -> None:
    with Receiver(policy(reader="specification")) as receiver:
        assert (
            post(
                receiver, {**SPECIFIED, "results": [{"rule_ref": "a", "rationale": "why"}]}
            ).status_code
            == 200
        )
        (stored,) = receiver.scans()
    assert (stored["profile_name"], stored["profile_version"]) == (
        "Linux Baseline - Standard",
        "1.0.0",
    )
    assert (stored["passed"], stored["raw_output"], stored["results"][0]["rationale"]) == (
        1,
        "out",
        "why",
    )


@pytest.mark.parametrize("missing", [{"X-API-ID": None}, {"X-API-KEY": None}, {"X-API-ID": ""}])
def test_without_credentials_nothing_else_is_looked_at(
    receiver: Receiver, missing: dict[str, Any]
) -> None:
    assert answer(post(receiver, b"broken", **missing)) == (401, "API credentials required")


@pytest.mark.parametrize(
    "wrong", [{"X-API-KEY": "0" * 64}, {"X-API-ID": "patchmon_0000000000000000"}]
)
def test_wrong_credentials_are_refused_before_the_body_is_read(
    receiver: Receiver, wrong: dict[str, str]
) -> None:
    assert answer(post(receiver, b"broken", **wrong)) == (401, "Invalid API credentials")
    assert receiver.scans() == []


def test_the_limit_counts_before_credentials_and_for_each_id() -> None:
    with Receiver(Policy(hosts=(generate_credentials(), generate_credentials()))) as receiver:
        other = receiver.policy.hosts[1]
        for _ in range(10):
            assert post(receiver, SCAN, **{"X-API-KEY": "wrong"}).status_code == 401
        refused = post(receiver, SCAN)
        assert answer(refused) == (429, "Too many scan submissions, please try again later")
        assert "retry-after" not in refused.headers
        assert answer(post(receiver, SCAN, **{"X-API-KEY": None})) == (
            401,
            "API credentials required",
        )
        assert (
            post(receiver, SCAN, **{"X-API-ID": other.id, "X-API-KEY": other.key}).status_code
            == 200
        )


@pytest.mark.parametrize(
    "change", [{"passed": 5.0}, {"score": "50"}, {"started_at": "2026-11-20 10:00:00"}]
)
def test_one_wrong_type_refuses_the_whole_body(receiver: Receiver, change: dict[str, Any]) -> None:
    assert answer(post(receiver, {"scans": [SCAN, {**SCAN, **change}]})) == UNREADABLE
    assert receiver.scans() == []


def test_a_body_over_the_limit_is_unreadable_and_one_at_the_limit_is_not() -> None:
    fitting = json.dumps(SCAN).encode()
    with Receiver(policy(max_body=len(fitting))) as receiver:
        assert answer(post(receiver, fitting + b" ")) == UNREADABLE
        assert post(receiver, fitting).status_code == 200
        assert [one["body"] for one in receiver.posts()] == [None, fitting]


def test_the_limit_is_5_mib_and_a_larger_upload_gets_413(receiver: Receiver) -> None:
    padding = {**SCAN, "error": "x" * (5 * 1024 * 1024)}
    assert answer(post(receiver, padding)) == UNREADABLE
    assert receiver.posts()[0]["body_bytes"] == len(json.dumps(padding))


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_a_compressed_body_is_unreadable(receiver: Receiver, pack: Any) -> None:
    body = pack(json.dumps(SCAN).encode())
    assert answer(post(receiver, body, **{"Content-Encoding": "gzip"})) == UNREADABLE


@pytest.mark.parametrize("body", [{}, {"scans": []}, {"profile": {"name": "x"}}])
def test_a_body_without_scans_is_refused(receiver: Receiver, body: dict[str, Any]) -> None:
    assert answer(post(receiver, body)) == (
        400,
        "Invalid payload: expected 'scans' array or 'profile_name'",
    )


def test_a_hash_that_does_not_fit_is_refused(receiver: Receiver) -> None:
    assert post(receiver, {**SCAN, "compliance_hash": compliance_hash([SCAN])}).status_code == 200
    altered = {**SCAN, "passed": 2, "compliance_hash": compliance_hash([SCAN])}
    assert answer(post(receiver, altered)) == (400, "compliance hash mismatch")
    assert [scan["passed"] for scan in receiver.scans()] == [1]


def test_the_hash_is_over_all_scans_those_without_a_name_too(receiver: Receiver) -> None:
    scans = [SCAN, {"profile_type": "openscap"}]
    response = post(receiver, {"scans": scans, "compliance_hash": compliance_hash(scans)})
    assert (response.status_code, response.json()["scans_received"]) == (200, 1)


def test_a_scanner_that_is_switched_off_is_answered_with_nothing_stored() -> None:
    with Receiver(policy(scanners_off=frozenset({"docker-bench"}))) as receiver:
        scans = [
            {**SCAN, "profile_name": kind, "profile_type": kind}
            for kind in ("openscap", "docker-bench", "x")
        ]
        response = post(receiver, {"scans": scans})
        assert (response.status_code, response.json()["scans_received"]) == (200, 2)
        assert [scan["profile_type"] for scan in receiver.scans()] == ["openscap", "x"]
        assert post(receiver, scans[1]).json()["scans_received"] == 0


def test_a_scan_replaces_the_completed_one_of_its_host_and_profile_whatever_their_dates() -> None:
    with Receiver(policy(hosts=(generate_credentials(), generate_credentials()))) as receiver:
        other = receiver.policy.hosts[1]
        post(receiver, SCAN, **{"X-API-ID": other.id, "X-API-KEY": other.key})
        post(receiver, {**SCAN, "profile_name": "another"})
        first = post(receiver, SCAN).json()["scans"][0]["scan_id"]
        older = {**SCAN, "completed_at": "2025-01-01T00:00:00Z", "results": []}
        second = post(receiver, older).json()["scans"][0]["scan_id"]
        held = receiver.scans()
        assert [scan["profile_name"] for scan in held] == [
            SCAN["profile_name"],
            "another",
            SCAN["profile_name"],
        ]
        assert (held[0]["api_id"], held[2]["scan_id"]) == (other.id, second)
        assert first != second
        assert held[2]["results"] == []


def test_a_failed_scan_takes_the_last_good_one_away_and_stays(receiver: Receiver) -> None:
    for status in ("completed", "failed", "Failed", "failed"):
        post(receiver, {**SCAN, "status": status, "error": status})
    assert [(scan["status"], scan["error"]) for scan in receiver.scans()] == [
        ("failed", "failed"),
        ("failed", "failed"),
    ]


def test_another_process_can_query_the_database_file_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    with Receiver(policy(), database=path) as receiver:
        post(receiver, SCAN)
        database = sqlite3.connect(path)
        assert database.execute("SELECT profile_name, passed FROM scans").fetchall() == [
            (SCAN["profile_name"], 1)
        ]
        assert database.execute("SELECT count(*) FROM results").fetchone() == (2,)
        database.close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_submission_that_cannot_be_stored_is_500_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "receiver.db"
    with Receiver(policy(), database=path) as receiver:
        breaker = sqlite3.connect(path)
        breaker.execute("DROP TABLE results")
        breaker.commit()
        assert post(receiver, SCAN).status_code == 500
        assert breaker.execute("SELECT count(*) FROM scans").fetchone() == (0,)
        breaker.close()


def test_it_goes_away_and_comes_back_with_what_it_had(receiver: Receiver) -> None:
    post(receiver, SCAN)
    url = receiver.url
    receiver.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=30)
    receiver.start()
    assert receiver.url == url
    post(receiver, {**SCAN, "profile_name": "another"})
    assert len(receiver.scans()) == 2


def test_the_other_endpoints_know_the_host(receiver: Receiver) -> None:
    base = receiver.url + "/api/v1/hosts"
    status = {
        "integration": "compliance",
        "enabled": True,
        "status": "ready",
        "components": {"openscap": "ready"},
    }
    known = receiver.headers
    assert (
        requests.post(
            f"{base}/integration-status", json=status, headers=known, timeout=30
        ).status_code
        == 200
    )
    assert requests.post(f"{base}/ping", headers=known, timeout=30).status_code == 200
    assert requests.post(f"{base}/ping", data=b"[", headers=known, timeout=30).status_code == 400
    assert requests.get(f"{base}/integrations", headers=known, timeout=30).json() == {
        "success": True,
        "compliance_mode": "enabled",
        "compliance_openscap_enabled": True,
        "compliance_docker_bench_enabled": True,
    }
    assert requests.post(f"{base}/ping", timeout=30).status_code == 401
    assert receiver.integration_statuses() == [status]
    assert receiver.pings() == [{}]
