"""Metrics, notices and the journal's fields of a booted system, set up as documented."""

import json

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from tests.booted.host import UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]

TEXTFILES = "/var/lib/prometheus/node-exporter"
METRICS = f"{TEXTFILES}/compliance_agent.prom"


def scanned(host: Host) -> ScanId:
    scan_id = host.request_scan()
    host.until(lambda: f"{scan_id}.receipt" in host.entries("receipts"), "the scan is answered")
    return scan_id


def test_node_exporter_can_read_the_metrics_and_they_know_the_connection(
    busy: tuple[Host, Receiver],
) -> None:
    host, server = busy
    host.shell(
        f"mkdir -p {TEXTFILES}; chgrp compliance-ship {TEXTFILES}; chmod g+w {TEXTFILES};"
        "mkdir -p /etc/systemd/system/compliance-agent-ship.service.d"
    )
    host.write(
        "/etc/systemd/system/compliance-agent-ship.service.d/metrics.conf",
        f"[Service]\nReadWritePaths={TEXTFILES}\n",
    )
    host.run("systemctl", "daemon-reload")
    host.configure(server, metrics={"textfile": TEXTFILES})
    scanned(host)

    def metrics() -> str:
        return host.run("setpriv", "--reuid=nobody", "--clear-groups", "cat", METRICS, code=None)

    host.until(lambda: "compliance_agent_connected 1.0" in metrics(), "the metrics are readable")
    host.until(
        lambda: 'compliance_agent_last_answer{answer="accepted"} 1.0' in metrics(),
        "the metrics have the answer",
    )
    assert 'compliance_agent_stage_up{stage="scan"} 1.0' in metrics()
    assert "compliance_rules{" in metrics()
    assert host.shell(f"ls -A {TEXTFILES}").split() == ["compliance_agent.prom"]


def test_one_scan_can_be_selected_in_the_journal(busy: tuple[Host, Receiver]) -> None:
    host, server = busy
    host.configure(server)
    scan_id = scanned(host)
    host.run("journalctl", "--sync")
    lines = host.run("journalctl", "--no-pager", "--output=json", f"SCAN_ID={scan_id}")
    found = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
    assert {each["_SYSTEMD_UNIT"] for each in found} == set(UNITS)
    assert {each["STAGE"] for each in found} == {"trigger", "scan", "parse", "ship"}
    events = host.run(
        "journalctl", "--no-pager", "--output=cat", "STAGE=ship", "EVENT=report accepted"
    )
    assert scan_id in events


def test_a_notice_reaches_its_command_without_the_credentials_of_the_stage(
    busy: tuple[Host, Receiver],
) -> None:
    host, server = busy
    script = "cat; id --user --name; env | grep -c CREDENTIALS || true"
    command = ["systemd-cat", "--identifier=notice-test", "sh", "-c", script]
    host.configure(server, notify={"command": command})
    settings = json.loads(host.run("cat", "/etc/compliance-agent/config.yml"))
    settings["compliance"]["openscap"]["profile"] = "no_such_profile"
    host.configure(server, compliance=settings["compliance"], notify={"command": command})
    scan_id = host.request_scan()

    def notices() -> str:
        return host.run("journalctl", "--no-pager", "--output=cat", "--identifier=notice-test")

    host.until(lambda: scan_id in notices(), "the notice arrives")
    host.until(lambda: "compliance-ship" in notices(), "the command ran as the stage's user")
    notice = next(line for line in notices().splitlines() if scan_id in line)
    assert json.loads(notice)["event"] == "failed"
    assert "no_such_profile" in json.loads(notice)["message"]
    host.until(lambda: notices().splitlines()[-1] == "0", "the command counted no credentials")
    host.configure(server)
