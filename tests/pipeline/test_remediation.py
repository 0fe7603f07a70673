"""What the server wants fixed: the request, the service that carries it out, and the answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver import Receiver
from schemas.fixes import FixRun, Remediation
from schemas.ids import ScanId
from schemas.request import Reason
from spool.layout import new_command_id
from stages.trigger.remediations import PATH_UNIT
from tests.pipeline.agent import Agent, an_agent, until
from tests.scanners.openscap.fixable_content import (
    NEEDS_ROOT_AND_OSCAP,
    PROFILE,
    FixableRule,
    append_line,
    write_fixable_content,
)

pytestmark = NEEDS_ROOT_AND_OSCAP


@pytest.fixture
def files(tmp_path: Path) -> Path:
    where = tmp_path / "host"
    where.mkdir()
    return where


@pytest.fixture
def agent(server: Receiver, files: Path, tmp_path: Path) -> Iterator[Agent]:
    rules = [
        append_line("one", files / "one"),
        append_line("two", files / "two"),
        FixableRule("bad", files / "bad", "whole", "echo why >&2\nexit 3\n"),
    ]
    content = write_fixable_content(tmp_path / "fixable-ds.xml", rules)
    units = tmp_path / "units"
    units.mkdir()
    (units / PATH_UNIT).touch()
    with an_agent(server, UNITS=str(units)) as agent:
        agent.module = "tests.pipeline.with_fixes"
        agent.settings["compliance"] = {
            "openscap": {"content": str(content), "profile": PROFILE},
            "docker_bench": {"enabled": False},
            "fixes": {"directory": str(agent.home / "fixes"), "copied": [str(files)]},
            "server_commands": {"allow_remediation": True},
        }
        agent.configure()
        yield agent


def scanned(agent: Agent) -> ScanId:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    return scan_id


def requested(agent: Agent, server: Receiver, **command: Any) -> str:
    """The request for a fix that a command of the server becomes."""
    until(server.online, "connected")
    server.send_command(command)
    until(agent.spool.requests.remediations.ids, "a request")
    (command_id,) = agent.spool.requests.remediations.ids()
    return command_id


def carried_out(agent: Agent, command_id: str) -> FixRun:
    """As the service does, which ends when the request is removed."""
    agent.run("fix", "--requested")
    assert not agent.spool.requests.remediations.ids()
    return agent.spool.fixes.fixes.read(command_id)


def test_a_rule_is_fixed_and_the_next_scan_shows_it_to_the_server(
    agent: Agent, server: Receiver, files: Path
) -> None:
    scan_id = scanned(agent)
    command_id = requested(agent, server, type="remediate_rule", rule_id="one")
    run = carried_out(agent, command_id)
    assert [(rule.title, rule.outcome) for rule in run.rules] == [("Line of one", "fixed")]
    assert (files / "one").read_text() == "filled in\n"
    assert not (files / "two").exists()
    until(lambda: len(agent.spool.receipts.ids()) == 2, "a scan after the fix is sent")
    (after,) = set(agent.spool.receipts.ids()) - {scan_id}
    report = agent.report(after)
    assert {rule.title: rule.status for rule in report.results}["Line of one"] == "pass"
    assert (report.reasons[0].source, report.reasons[0].detail) == ("server", "after a fix")


def test_a_scan_with_remediation_is_scanned_fixed_and_scanned_again(
    agent: Agent, server: Receiver, files: Path
) -> None:
    agent.start()
    command_id = requested(
        agent, server, type="compliance_scan", profile_type="openscap", enable_remediation=True
    )
    run = carried_out(agent, command_id)
    assert [rule.outcome for rule in run.rules] == ["fixed", "fixed", "failed"]
    until(lambda: len(agent.spool.receipts.ids()) == 2, "two scans are sent")
    first, second = agent.spool.receipts.ids()
    assert run.scan_id == first
    assert (agent.report(first).summary.failed, agent.report(second).summary.failed) == (3, 1)
    # What could not be fixed is named on the server's page.
    until(server.integration_statuses, "capabilities")
    until(lambda: "bad failed" in server.status_message(), "the reason arrives")
    message = server.status_message()
    assert (
        "remediation: 2 of 3 rules fixed; bad failed: the script ended with exit code 3" in message
    )


@pytest.mark.parametrize(
    ("rule", "reason"),
    [("nothing", "no completed scan has the rule nothing"), ("ne", "no completed scan has the")],
)
def test_a_rule_that_is_not_there_is_answered(
    agent: Agent, server: Receiver, rule: str, reason: str
) -> None:
    scanned(agent)
    command_id = requested(agent, server, type="remediate_rule", rule_id=rule)
    run = carried_out(agent, command_id)
    assert run.error is not None
    assert run.error.startswith(reason)
    until(server.integration_statuses, "capabilities")
    until(lambda: reason in server.status_message(), "the reason arrives")


def test_without_the_service_a_request_is_refused(
    agent: Agent, server: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "units" / PATH_UNIT).unlink()
    agent.start()
    until(server.online, "connected")
    until(server.integration_statuses, "capabilities")
    server.send_command({"type": "remediate_rule", "rule_id": "one"})
    refusal = (
        "remediate_rule refused: remediation not installed: it needs compliance-agent-remediate"
    )
    until(lambda: refusal in server.status_message(), "the reason arrives")
    server.send_command(
        {"type": "compliance_scan", "profile_type": "openscap", "enable_remediation": True}
    )
    until(agent.spool.receipts.ids, "a failed scan")
    (scan_id,) = agent.spool.receipts.ids()
    assert (agent.report(scan_id).error or "").startswith("remediation not installed: ")
    assert not agent.spool.requests.remediations.ids()


def test_a_request_is_checked_again_and_never_carried_out_twice(agent: Agent, files: Path) -> None:
    scan_id = scanned(agent)
    now = datetime.now(UTC)
    reason = Reason(source="server", at=now)
    old = Reason(source="server", at=now - timedelta(days=2))
    box = agent.spool.requests.remediations

    def error_of(remediation: Remediation, *, interrupted: bool = False) -> str:
        command_id = new_command_id(datetime.now(UTC))
        if interrupted:
            (agent.home / "fixes" / command_id).mkdir(parents=True)
        box.write(command_id, remediation)
        return carried_out(agent, command_id).error or ""

    assert "is more than a day old" in error_of(Remediation(reason=old, rule="one"))
    assert "is not there" in error_of(
        Remediation(reason=reason, after=ScanId("20200101T000000Z-openscap-00000000"))
    )
    assert "fix --undo" in error_of(Remediation(reason=reason, after=scan_id), interrupted=True)
    agent.settings["compliance"]["server_commands"] = {"allow_remediation": False}
    agent.configure()
    assert "not allowed" in error_of(Remediation(reason=reason, rule="one"))
    assert list(files.iterdir()) == []
