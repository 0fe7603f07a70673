"""What the receiver keeps of its hosts: running rows, keys, life, content."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from receiver import Policy, Receiver
from receiver.hosts import Host, generate_credentials
from tests.pipeline.agent import until
from tests.receiver.test_receiver_submissions import SCAN, post

API = "/api/v1"
COMMAND = {"type": "compliance_scan", "profile_type": "all"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def get(receiver: Receiver, path: str, **headers: str) -> requests.Response:
    known = {**receiver.headers, **headers}
    return requests.get(receiver.url + API + path, headers=known, timeout=30)


def websocket(receiver: Receiver) -> Any:
    url = receiver.url.replace("http", "ws", 1) + "/api/v1/agents/ws"
    return connect(url, additional_headers=receiver.headers)


def test_a_requested_scan_is_running_until_anything_of_the_host_is_accepted(
    receiver: Receiver,
) -> None:
    with websocket(receiver) as agent:
        until(receiver.online, "connected")
        receiver.send_command(COMMAND)
        assert json.loads(agent.recv(timeout=30)) == COMMAND
        rows = [(row["profile_name"], row["profile_type"]) for row in receiver.running()]
        assert rows == [
            ("OpenSCAP Scan", "openscap"),
            ("Docker Bench Security", "docker-bench"),
        ]
        receiver.send_command({"type": "compliance_scan_cancel"})
        assert len(receiver.running()) == 2
    assert post(receiver, {**SCAN, "profile_type": 3}).status_code == 400
    assert len(receiver.running()) == 2
    assert post(receiver, SCAN).status_code == 200
    assert receiver.running() == []


def test_a_failure_under_a_generic_name_leaves_completed_scans_alone(receiver: Receiver) -> None:
    post(receiver, SCAN)
    failure = {**SCAN, "profile_name": "OpenSCAP Scan", "status": "failed", "error": "why"}
    post(receiver, failure)
    post(receiver, failure)
    kept = [(scan["profile_name"], scan["status"]) for scan in receiver.scans()]
    assert kept == [
        (SCAN["profile_name"], "completed"),
        ("OpenSCAP Scan", "failed"),
        ("OpenSCAP Scan", "failed"),
    ]


def test_a_regenerated_key_ends_the_old_one(receiver: Receiver) -> None:
    old = receiver.headers
    assert receiver.hosts.regenerate(receiver.credentials.id).key != old["X-API-KEY"]
    assert get(receiver, "/hosts/integrations", **old).status_code == 401
    assert get(receiver, "/hosts/integrations").status_code == 200


def test_a_database_that_is_down_refuses_every_key_but_says_so_to_a_ping(
    receiver: Receiver,
) -> None:
    receiver.database_is_down = True
    ping = requests.post(f"{receiver.url}{API}/hosts/ping", headers=receiver.headers, timeout=30)
    assert ping.status_code == 500
    assert get(receiver, "/hosts/integrations").status_code == 401
    assert post(receiver, SCAN).status_code == 401
    with pytest.raises(InvalidStatus):
        websocket(receiver)
    receiver.database_is_down = False
    assert post(receiver, SCAN).status_code == 200


def test_a_host_is_pending_then_active_then_stale() -> None:
    host = Host(generate_credentials(), "enabled", frozenset())
    assert host.state(60, 0) == "pending"
    host.last_ping = 100.0
    assert host.state(60, 220) == "active"
    assert host.state(60, 221) == "stale"


def test_other_host_names_are_refused_everywhere() -> None:
    with Receiver(Policy(allowed_hosts=frozenset({"patchmon:80"}))) as receiver:
        refused = get(receiver, "/hosts/integrations")
        assert (refused.status_code, refused.json()["code"]) == (403, "host_mismatch")
        assert get(receiver, "/hosts/integrations", Host="patchmon:80").status_code == 200
        with pytest.raises(InvalidStatus) as upgrade:
            websocket(receiver)
        assert upgrade.value.response.status_code == 403


def test_content_is_named_with_a_version_and_given_to_hosts_alone(tmp_path: Path) -> None:
    (tmp_path / "ssg-debian12-ds.xml").write_bytes(b"<ds/>")
    (tmp_path / "secret.xml").write_bytes(b"<no/>")
    with Receiver(Policy(content=tmp_path)) as receiver:
        offered = get(receiver, "/compliance/ssg-version").json()
        assert offered["files"] == ["ssg-debian12-ds.xml"]
        assert offered["version"]
        content = get(receiver, "/compliance/ssg-content/ssg-debian12-ds.xml")
        assert content.content == b"<ds/>"
        assert get(receiver, "/compliance/ssg-content/secret.xml").status_code == 400
        assert get(receiver, "/compliance/ssg-content/ssg-rhel9-ds.xml").status_code == 404
        stranger = {"X-API-KEY": "x"}
        assert get(receiver, "/compliance/ssg-version", **stranger).status_code == 401
        path = "/compliance/ssg-content/ssg-debian12-ds.xml"
        assert get(receiver, path, **stranger).status_code == 401
        (tmp_path / "version").write_text("0.1.77\n")
        assert get(receiver, "/compliance/ssg-version").json()["version"] == "0.1.77"


def test_a_server_without_content_answers_503(receiver: Receiver) -> None:
    assert get(receiver, "/compliance/ssg-version").status_code == 503
