"""`submit` beside running stages: scan takes the files in, parse reads them, ship delivers them."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from schemas.ids import ScanId, requested_at
from tests.pipeline.agent import Agent, an_agent, until
from tests.scanners.openscap.scap_samples import Rule, arf, run_of

HOST = socket.gethostname()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Receiver(Policy(), database=tmp_path / "receiver.db") as server, an_agent(server) as agent:
        agent.start("scan", "parse", "ship")
        for stage in agent.processes:
            until(lambda stage=stage: agent.spool.is_running(stage), stage)  # type: ignore[misc]
        yield agent


def write_arf(path: Path, host: str = HOST, at: str = "2026-11-20T03:00:00+00:00") -> Path:
    rules = [Rule("a"), Rule("b", result="pass")]
    run = run_of(rules, start=at, end=at).replace("<target>host<", f"<target>{host}<")
    path.write_text(arf(rules, run=run))
    return path


def submitted(agent: Agent, *arguments: str) -> dict[str, object]:
    found = json.loads(agent.run("submit", "--json", *arguments))
    assert isinstance(found, dict)
    return found


def test_a_submitted_scan_goes_to_the_server_with_its_own_time_and_profile(
    agent: Agent, tmp_path: Path
) -> None:
    file = write_arf(tmp_path / "arf.xml")
    output = agent.run("submit", str(file), "--wait")
    assert "accepted" in output
    (scan_id,) = agent.spool.receipts.ids()
    assert f"{requested_at(scan_id):%Y-%m-%d %H}" == "2026-11-20 03"
    report = agent.spool.reports.read(scan_id)
    assert (report.profile.name, report.summary.total_rules) == ("The standard profile", 2)
    assert f"{report.completed_at:%Y-%m-%d %H}" == "2026-11-20 03"
    assert report.host == HOST
    assert f"submitted: {file}" in agent.run("show", scan_id)
    assert agent.run("raw", scan_id) == file.read_text()
    assert agent.spool.commands.names() == []


def test_the_same_files_are_submitted_once(agent: Agent, tmp_path: Path) -> None:
    file = write_arf(tmp_path / "arf.xml")
    first = submitted(agent, str(file))
    until(lambda: len(agent.spool.receipts.ids()) == 1, "a receipt")
    again = submitted(agent, str(file))
    assert (again["scan_id"], again["present"], again["state"]) == (first["scan_id"], True, "done")
    assert "replay ship" in agent.run("submit", str(file))
    assert len(agent.spool.raw.scan_ids()) == 1


def test_a_scan_of_another_host_is_held_until_it_is_released(agent: Agent, tmp_path: Path) -> None:
    view = submitted(agent, str(write_arf(tmp_path / "arf.xml", host="web2.example.com")))
    assert (view["host"], view["foreign"], view["held"]) == ("web2.example.com", True, True)
    until(lambda: agent.spool.reports.ids() == [view["scan_id"]], "the report")
    assert "web2.example.com" in agent.run("list", "--wide")
    assert agent.spool.receipts.ids() == []
    agent.run("release", "--all")
    until(lambda: agent.spool.receipts.ids() == [view["scan_id"]], "the receipt")


def test_an_older_scan_does_not_replace_a_newer_one(agent: Agent, tmp_path: Path) -> None:
    newer = submitted(agent, str(write_arf(tmp_path / "newer.xml")))
    until(lambda: newer["scan_id"] in agent.spool.receipts.ids(), "the receipt")
    older = submitted(agent, str(write_arf(tmp_path / "older.xml", at="2026-11-19T03:00:00+00:00")))
    older_id = ScanId(str(older["scan_id"]))
    until(lambda: older_id in agent.spool.receipts.ids(), "the receipt")
    receipt = agent.spool.receipts.read(older_id)
    assert (receipt.answer, receipt.superseded_by) == ("superseded", newer["scan_id"])
    assert (newer["superseded_by"], older["superseded_by"]) == (None, newer["scan_id"])
    again = agent.run("submit", str(tmp_path / "older.xml")).replace("\n", " ")
    command = f"replay ship {older_id} --force"
    assert command in again
    agent.run(*command.split())
    until(agent.spool.receipts.archived, "that the receipt is taken away")
    until(lambda: agent.received(older_id), "the receipt again")
    assert agent.receipt(older_id).answer == "accepted"


def test_a_submission_waits_for_the_scan_stage(agent: Agent, tmp_path: Path) -> None:
    agent.kill("scan")
    view = submitted(agent, str(write_arf(tmp_path / "arf.xml")))
    assert view["state"] == "requested"
    (row,) = json.loads(agent.run("list", "--json"))
    assert row["profile"] == "The standard profile"
    assert "scan stage is not running" in row["pending_reason"]
    agent.start("scan")
    until(lambda: agent.spool.receipts.ids() == [view["scan_id"]], "the receipt")


def test_a_bundle_that_is_not_what_the_command_says_is_a_failed_scan(
    agent: Agent, tmp_path: Path
) -> None:
    agent.kill("scan")
    view = submitted(agent, str(write_arf(tmp_path / "arf.xml")))
    bundle = agent.spool.commands.path / f"{view['scan_id']}.bundle"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    agent.start("scan")
    until(lambda: agent.spool.receipts.ids() == [view["scan_id"]], "the receipt")
    report = agent.spool.reports.read(ScanId(str(view["scan_id"])))
    assert report.status == "failed"
    assert report.error is not None
    assert "SHA-256 differs" in report.error
