"""A waiver through the real stages: it changes what parse makes of the same raw entry."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from schemas.report import Report, RuleResult
from tests.pipeline.agent import Agent, until

pytestmark = pytest.mark.oscap


def write(directory: Path, expires: date) -> None:
    directory.mkdir(exist_ok=True)
    path = directory / "ops.yml"
    path.write_text(f"- rule: fail\n  reason: legacy\n  approved_by: Ann\n  expires: {expires}\n")
    path.chmod(0o644)


def parsed_again(agent: Agent, server: Receiver, scan_id: ScanId) -> Report:
    posts = len(server.posts())
    agent.run("replay", "parse", scan_id)
    until(lambda: len(server.posts()) > posts and agent.received(scan_id), "the report again")
    return agent.report(scan_id)


def failing_rule(report: Report) -> RuleResult:
    (found,) = (each for each in report.results if each.rule_ref.endswith("_rule_fail"))
    return found


def test_a_waiver_through_its_life_changes_the_report_and_never_the_raw_entry(
    agent: Agent, server: Receiver
) -> None:
    directory = agent.home / "waivers.d"
    agent.settings["compliance"]["waivers"] = {"directory": str(directory)}
    agent.configure()
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    manifest = agent.spool.raw.manifest(scan_id)
    entry = agent.spool.reports.path / f"{scan_id}.report"
    plain = entry.read_bytes()
    assert failing_rule(agent.report(scan_id)).status == "fail"

    scanned_on = datetime.now(UTC).date()
    write(directory, scanned_on + timedelta(days=90))
    waived = parsed_again(agent, server, scan_id)
    assert failing_rule(waived).status == "skip"
    assert waived.waivers is not None
    once = entry.read_bytes()
    parsed_again(agent, server, scan_id)
    assert entry.read_bytes() == once

    write(directory, scanned_on - timedelta(days=2))
    expired = failing_rule(parsed_again(agent, server, scan_id))
    assert expired.status == "fail"
    assert "the waiver by Ann: legacy expired" in (expired.finding or "")

    (directory / "ops.yml").unlink()
    parsed_again(agent, server, scan_id)
    assert entry.read_bytes() == plain
    assert agent.spool.raw.manifest(scan_id) == manifest
