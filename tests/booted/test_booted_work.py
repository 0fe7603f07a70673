"""Scans of a booted system reach a server outside, despite outages, restarts and full disks."""

import json
from itertools import pairwise

import pytest

from receiver import Receiver
from tests.booted.host import SPOOL, UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]


def arrived(server: Receiver) -> list[str]:
    return [post["idempotency_key"] for post in server.posts() if post["status"] == 200]


def test_a_request_from_the_command_line_arrives_at_the_server(busy: tuple[Host, Receiver]) -> None:
    host, server = busy
    # 1: this content fails rules on purpose.
    output = host.agent("scan", "--wait", "--timeout", "240", code=None)
    scan_id = output.split()[0]
    assert scan_id in arrived(server), output
    assert host.outcome(scan_id) == ("completed", "accepted")
    for each in UNITS:
        assert scan_id in host.journal(each), f"{each} logs the scan"


def test_a_request_from_a_schedule_arrives_at_the_server(busy: tuple[Host, Receiver]) -> None:
    host, server = busy
    host.configure(server)
    settings = json.loads(host.run("cat", "/etc/compliance-agent/config.yml"))
    settings["compliance"]["openscap"]["schedule"] = "* * * * *"
    settings["compliance"]["schedules"] = {"splay_s": 0}
    before = set(arrived(server))
    host.configure(server, compliance=settings["compliance"])
    host.until(lambda: set(arrived(server)) - before, "a scheduled scan arrives", 240)
    (scan_id, *_) = sorted(set(arrived(server)) - before)
    shown = json.loads(host.agent("show", scan_id, "--json", code=None))
    assert [reason["source"] for reason in shown["report"]["reasons"]] == ["schedule"]
    host.configure(server)


def test_the_scan_of_a_request_file_arrives(
    busy: tuple[Host, Receiver],
) -> None:
    host, server = busy
    before = set(arrived(server))
    host.shell("echo 'request_id: ticket-4711' > /root/one.yml")
    host.agent("scan", "--request", "/root/one.yml")
    host.until(lambda: set(arrived(server)) - before, "its scan arrives")


def test_scans_made_without_a_network_arrive_in_order_when_it_is_back(
    busy: tuple[Host, Receiver],
) -> None:
    host, server = busy
    with host.without_network():
        scan_ids = []
        for _ in range(2):
            scan_ids.append(host.request_scan())
            host.until(lambda: f"{scan_ids[-1]}.report" in host.entries("reports"), "its report")
        assert not any(host.received(scan_id) for scan_id in scan_ids)
    host.agent("retry")
    host.until(lambda: all(host.received(scan_id) for scan_id in scan_ids), "both arrive")
    assert [host.outcome(scan_id) for scan_id in scan_ids] == [("completed", "accepted")] * 2
    there = arrived(server)
    assert all(there.index(one) < there.index(other) for one, other in pairwise(scan_ids))


def test_a_backlog_survives_a_restart_of_the_system(busy: tuple[Host, Receiver]) -> None:
    host, server = busy
    server.stop()
    scan_id = host.request_scan()
    host.until(lambda: f"{scan_id}.report" in host.entries("reports"), "its report")
    host.reboot()
    host.await_active()
    assert not host.received(scan_id)
    server.start()
    host.agent("retry")
    host.until(lambda: host.received(scan_id), "the backlog arrives")
    assert arrived(server).count(scan_id) == 1


def test_a_replayed_report_is_parsed_and_sent_again(busy: tuple[Host, Receiver]) -> None:
    """A replay renames an entry from a box to its history, which fails across mount points."""
    host, server = busy
    scan_id = host.request_scan()
    host.until(lambda: host.received(scan_id), "it arrives")
    host.agent("replay", "parse", scan_id)
    host.until(lambda: len(host.entries("history/reports")) > 0, "the report is in the history")
    host.agent("replay", "ship", scan_id)
    host.until(lambda: arrived(server).count(scan_id) >= 2, "it arrives again")


def test_a_damaged_report_goes_to_quarantine_and_is_parsed_again(
    busy: tuple[Host, Receiver],
) -> None:
    host, server = busy
    server.stop()
    scan_id = host.request_scan()
    host.until(lambda: f"{scan_id}.report" in host.entries("reports"), "its report")
    host.shell(f"echo damage >> {SPOOL}/reports/{scan_id}.report")
    server.start()
    host.agent("retry")
    host.until(lambda: host.received(scan_id), "the scan arrives all the same")
    assert any(name.startswith(scan_id) for name in host.entries("quarantine/reports"))


def test_work_waits_on_a_full_disk_and_goes_on_when_there_is_free_space(
    host: Host, server: Receiver
) -> None:
    host.run("systemctl", "stop", "compliance-agent.target", *UNITS)
    host.shell(f"mount -t tmpfs -o size=24m,mode=0750 spool {SPOOL}")
    host.shell("systemd-tmpfiles --create compliance-agent.conf")
    host.configure(server)
    host.shell(f"head -c 24m /dev/zero > {SPOOL}/filling 2>/dev/null || true")
    output = host.run("sh", "-c", "compliance-agent scan", code=3)
    assert "No space left" in output
    host.run("rm", f"{SPOOL}/filling")
    scan_id = host.request_scan()
    host.until(lambda: host.received(scan_id), "a scan arrives when there is free space")
    # Enough space for the request, and not for what a scan writes.
    host.run("systemctl", "stop", "compliance-agent-scan.service")
    second = host.request_scan()
    host.until(lambda: f"{second}.request" in host.entries("requests"), "the request is taken")
    host.shell(f"head -c 24m /dev/zero > {SPOOL}/filling 2>/dev/null || true")
    host.run("systemctl", "start", "compliance-agent-scan.service")
    host.until(
        lambda: "free some space" in host.journal("compliance-agent-scan.service"),
        "scan logs it",
    )
    assert second not in host.entries("raw")
    host.run("rm", f"{SPOOL}/filling")
    host.until(lambda: host.received(second), "the scan that waited arrives")
