"""Scanners that fail, hang, flood or are cancelled: every outcome is an entry."""

import json
import os
from pathlib import Path

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from schemas.report import Report
from tests.pipeline.agent import Agent, until

pytestmark = pytest.mark.oscap

PREFIX = "xccdf_io.github.compliance-agent.every-result_profile_"


def report_of(agent: Agent, profile: str | None) -> Report:
    scan_id = agent.ask(profile)
    if not agent.processes:
        agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    return agent.report(scan_id)


@pytest.mark.parametrize(
    ("profile", "message"), [("fails", "exit code 1"), ("crashes", "signal 11")]
)
def test_a_scanner_that_crashes_is_a_failed_scan_and_never_a_clean_one(
    agent: Agent, server: Receiver, profile: str, message: str
) -> None:
    report = report_of(agent, PREFIX + profile)
    assert report.status == "failed"
    assert message in (report.error or "")
    assert report.results == ()
    (post,) = server.posts()
    body = json.loads(post["body"])
    assert body["status"] == "failed"
    assert message in body["error"]


def test_an_unknown_profile_is_a_failed_scan_that_lists_the_nearest(agent: Agent) -> None:
    report = report_of(agent, "all_passs")
    assert report.status == "failed"
    assert "nearest: all_pass" in (report.error or "")


def test_a_scan_over_its_time_limit_is_ended_with_all_its_children(agent: Agent) -> None:
    agent.settings["compliance"]["openscap"]["time_limit_s"] = 10
    agent.configure()
    report = report_of(agent, PREFIX + "waits")
    assert report.status == "failed", "the rules sleep for twice the limit"
    error = report.error or ""
    limit, _, rest = error.partition(": rule wait_")
    assert limit == "time limit: oscap took longer than its limit of 10 s"
    assert " in progress for " in rest
    assert " of 5 rules done: raise compliance.openscap.time_limit_s" in rest
    assert report.results == ()
    assert report.summary.total_rules == 0
    evaluated = report.partial_results
    assert f", {len(evaluated)} of 5 rules done: " in rest
    assert all(result.duration_s is not None for result in evaluated)
    waits = {f"Wait, part {number} of 5" for number in range(1, 6)}
    assert {result.title for result in evaluated} <= waits
    shown = agent.run("show", "last", "--all")
    assert (" evaluated (0 failed) before the scan ended" in shown) is bool(evaluated)
    assert shown.count(" wait_") >= len(evaluated)


def test_a_report_has_the_duration_of_every_rule(agent: Agent) -> None:
    report = report_of(agent, PREFIX + "slow")
    durations = [result.duration_s for result in report.results]
    assert None not in durations
    whole = (report.completed_at - report.started_at).total_seconds()
    # One rule of this profile waits; reading the content and writing the results belong to no rule.
    assert 1.0 <= sum(one or 0.0 for one in durations) <= whole


def test_the_same_profile_requested_twice_is_scanned_once_for_both(
    agent: Agent, server: Receiver
) -> None:
    first, second = agent.ask("slow"), agent.ask(PREFIX + "slow")
    agent.start()
    until(lambda: agent.received(first) and agent.received(second), "receipts")
    by_status = {agent.report(i).status: agent.report(i) for i in (first, second)}
    assert set(by_status) == {"completed", "merged"}
    whole, merged = by_status["completed"], by_status["merged"]
    assert merged.answered_by == whole.scan_id
    assert len(whole.reasons) == 2
    assert len(server.posts()) == 1
    assert agent.receipt(ScanId(str(merged.scan_id))).answer == "superseded"


def test_a_request_that_comes_while_the_same_scan_runs_is_answered_by_it(
    agent: Agent, server: Receiver
) -> None:
    agent.start()
    until(server.online, "connected")
    command = {"type": "compliance_trigger", "profile": PREFIX + "slow", "request_id": "first"}
    server.send_command(command)
    until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "the scan runs")
    server.send_command({**command, "request_id": "second"})
    until(lambda: len(agent.spool.receipts.ids()) == 2, "receipts")
    reports = [agent.report(ScanId(i)) for i in agent.spool.reports.ids()]
    (whole,) = [report for report in reports if report.status == "completed"]
    assert {reason.request_id for reason in whole.reasons} == {"first", "second"}
    assert len(server.posts()) == 1


def test_different_profiles_are_scanned_one_after_the_other(agent: Agent) -> None:
    first, second = agent.ask("all_pass"), agent.ask("nothing_applies")
    agent.start()
    until(lambda: agent.received(first) and agent.received(second), "receipts")
    assert agent.report(first).status == "completed"
    # A scan in which nothing applied says nothing about the host.
    assert agent.report(second).status == "failed"
    assert (agent.report(second).error or "").startswith("nothing applied")


def test_cancelling_ends_the_running_scan_and_is_recorded(agent: Agent, server: Receiver) -> None:
    agent.start()
    running, waiting = agent.ask("waits"), agent.ask("slower")
    until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "a scan runs")
    agent.run("cancel")
    until(lambda: agent.received(running) and agent.received(waiting), "receipts", 20)
    for scan_id in (running, waiting):
        report = agent.report(scan_id)
        assert report.status == "cancelled"
        assert (report.error or "").startswith("cancelled by the operator")
    assert len(server.posts()) == 2


def test_new_settings_are_in_force_for_the_scan_that_waits(agent: Agent) -> None:
    running, waiting = agent.ask("waits"), agent.ask("slow")
    agent.start()
    until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "a scan runs")
    agent.settings["compliance"]["openscap"]["enabled"] = False
    agent.configure()
    until(lambda: agent.reported(running) and agent.reported(waiting), "both reports")
    assert agent.report(running).status == "completed"
    assert agent.report(waiting).status == "failed"
    assert "enabled" in (agent.report(waiting).error or "")


def test_stopping_during_a_scan_ends_the_scanner_and_the_scan_is_repeated_after_the_start(
    agent: Agent,
) -> None:
    agent.start()
    scan_id = agent.ask("slow")
    until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "a scan runs")
    agent.stop()
    assert not agent.reported(scan_id)
    assert list((agent.spool.root / "raw").iterdir()) == []
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    assert agent.report(scan_id).status == "completed"


def test_a_scanner_left_by_a_killed_agent_is_ended_at_the_start(agent: Agent) -> None:
    agent.start()
    agent.ask("waits")
    note = agent.spool.root / "state" / "scan" / "running"
    until(note.exists, "a scan runs")
    pid = json.loads(note.read_text())["pid"]
    agent.kill("scan")
    agent.start("scan")
    until(lambda: not _runs(pid), "the old scanner is gone")


def test_a_missing_scanner_is_reported_with_its_install_command(
    agent: Agent, tmp_path: Path
) -> None:
    agent.settings["compliance"]["openscap"]["content"] = str(tmp_path / "none.xml")
    agent.configure()
    report = report_of(agent, None)
    assert report.status == "failed"
    assert f"{tmp_path / 'none.xml'}: there is no such file" in (report.error or "")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
