"""What an administrator sees at the server, with the four real stages against the receiver."""

from collections.abc import Iterator
from typing import Any

import pytest

from receiver import Policy, Receiver
from tests.pipeline.agent import PROFILE, Agent, an_agent, until

pytestmark = pytest.mark.oscap

WAITS = "xccdf_io.github.compliance-agent.every-result_profile_waits"
SLOW = "xccdf_io.github.compliance-agent.every-result_profile_slow"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000)) as receiver:
        yield receiver


@pytest.fixture
def agent(server: Receiver) -> Iterator[Agent]:
    with an_agent(server) as one:
        one.start()
        until(server.online, "connected")
        yield one


def trigger(server: Receiver, **fields: Any) -> None:
    command = {"type": "compliance_scan", "profile_type": "openscap", "profile_id": PROFILE}
    assert server.send_command({**command, **fields})
    until(server.running, "running at the server")


def completed(server: Receiver) -> list[str]:
    return [scan["scan_id"] for scan in server.scans() if scan["status"] == "completed"]


def failures(server: Receiver) -> list[str]:
    """The history's reasons."""
    return [scan["error"] for scan in server.scans() if scan["status"] == "failed"]


def test_no_failure_takes_a_good_result_away_or_leaves_a_scan_running(
    server: Receiver, agent: Agent
) -> None:
    trigger(server)
    until(lambda: completed(server), "a good result")
    good = completed(server)

    def fails(cause: str) -> None:
        until(lambda: any(error.startswith(cause) for error in failures(server)), cause)
        until(lambda: not server.running(), f"no row runs after: {cause}")
        assert completed(server) == good

    trigger(server, profile_id="no_such_profile")
    fails("unknown profile")
    trigger(server, profile_id="../../etc/passwd")
    fails("malformed request")
    trigger(server, enable_remediation=True)
    fails("remediation not allowed")

    trigger(server, profile_id=SLOW)
    until(lambda: any(one["phase"] == "evaluating" for one in server.progress()), "under way")
    server.send_command({"type": "compliance_scan_cancel"})
    fails("cancelled")

    broken = agent.home / "broken-ds.xml"
    broken.write_text("<data-stream-collection>")
    openscap = agent.settings["compliance"]["openscap"]
    agent.configure(compliance={"openscap": {**openscap, "content": str(broken)}})
    until(lambda: str(broken) in server.status_message(), "detected")
    before = len(failures(server))
    trigger(server)
    until(lambda: len(failures(server)) > before, "broken content fails")
    fails("")
    names = {scan["profile_name"] for scan in server.scans() if scan["status"] == "failed"}
    assert names == {"OpenSCAP Scan"}


def test_a_scan_over_its_time_limit_leaves_the_good_result_and_no_running_row(
    server: Receiver, agent: Agent
) -> None:
    trigger(server)
    until(lambda: completed(server), "a good result")
    good = completed(server)
    openscap = agent.settings["compliance"]["openscap"]
    agent.configure(compliance={"openscap": {**openscap, "time_limit_s": 10}})
    until(lambda: "settings applied" in agent.log("scan"), "the settings are read again")
    trigger(server, profile_id=WAITS)
    until(lambda: failures(server), "the time limit ends the scan")
    until(lambda: not server.running(), "no row runs")
    assert completed(server) == good
    (reason,) = failures(server)
    assert "limit of 10 s" in reason
    (failed,) = (scan for scan in server.scans() if scan["status"] == "failed")
    assert failed["profile_name"] == "OpenSCAP Scan"


def test_parts_on_other_hosts_are_fetched_only_where_the_settings_allow_it(
    server: Receiver, agent: Agent
) -> None:
    def scanned(count: int) -> tuple[str, ...]:
        trigger(server, fetch_remote_resources=True)
        until(lambda: len(agent.spool.receipts.ids()) == count, "delivered")
        return agent.spool.raw.manifest(max(agent.spool.raw.scan_ids())).command

    assert "--fetch-remote-resources" not in scanned(1)
    report = agent.report(max(agent.spool.reports.ids()))
    assert any("fetch_remote_resources: true to allow it" in text for text in report.warnings)
    openscap = agent.settings["compliance"]["openscap"]
    agent.configure(compliance={"openscap": {**openscap, "fetch_remote_resources": True}})
    until(lambda: "settings" in agent.log("scan"), "the settings are read again")
    assert "--fetch-remote-resources" in scanned(2)
    report = agent.report(max(agent.spool.reports.ids()))
    assert report.status == "completed"
    assert not any("fetch_remote_resources" in text for text in report.warnings)
