"""kill -9 at arbitrary moments: exactly one receipt per request, and no half-written entry."""

import random
import time
from collections.abc import Sequence

import pytest

from receiver import Receiver
from spool.layout import STAGES, Stage
from tests.pipeline.agent import Agent, until

pytestmark = pytest.mark.oscap

ALL_PASS = "xccdf_io.github.compliance-agent.every-result_profile_all_pass"


def all_received(agent: Agent, scan_ids: Sequence[str]) -> bool:
    return set(scan_ids) <= set(agent.spool.receipts.ids())


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_killed_repeatedly_loses_and_duplicates_nothing(
    agent: Agent, server: Receiver, stage: Stage
) -> None:
    moments = random.Random(stage)
    agent.start()
    scan_ids = []
    for _ in range(6):
        scan_ids.append(agent.ask())
        pause = time.monotonic() + moments.uniform(0, 1.2)
        until(
            lambda pause=pause: (  # type: ignore[misc]
                time.monotonic() >= pause or all_received(agent, scan_ids)
            ),
            "a moment",
            5,
        )
        agent.kill(stage)
        agent.start(stage)
    until(lambda: all_received(agent, scan_ids), "a receipt for each request", 90)
    answers = [agent.receipt(i).answer for i in scan_ids]
    assert set(answers) <= {"accepted", "superseded"}
    assert answers.count("accepted") >= 1
    held = {scan["idempotency_key"] for scan in server.posts() if scan["status"] == 200}
    accepted = {i for i, answer in zip(scan_ids, answers, strict=True) if answer == "accepted"}
    assert accepted <= held
    assert sorted(agent.spool.receipts.ids()) == sorted(scan_ids)


def test_all_four_killed_at_once_go_on_where_they_were(agent: Agent, server: Receiver) -> None:
    moments = random.Random(4)
    scan_ids = []
    for _ in range(4):
        agent.start()
        scan_ids.append(agent.ask())
        pause = time.monotonic() + moments.uniform(0.3, 2)
        until(lambda pause=pause: time.monotonic() >= pause, "a moment", 5)  # type: ignore[misc]
        for stage in STAGES:
            agent.kill(stage)
    agent.start()
    until(lambda: all_received(agent, scan_ids), "a receipt for each request", 90)
    assert sorted(agent.spool.receipts.ids()) == sorted(scan_ids)


def test_a_scan_that_repeatedly_ends_the_agent_fails_at_last(agent: Agent) -> None:
    profile = "xccdf_io.github.compliance-agent.every-result_profile_waits"
    scan_id = agent.ask(profile)
    agent.start()
    for _ in range(2):
        until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "the scan runs")
        (agent.spool.root / "state" / "scan" / "running").unlink()
        agent.kill("scan")
        agent.start("scan")
    until(lambda: agent.received(scan_id), "a receipt")
    report = agent.report(scan_id)
    assert report.status == "failed"
    assert "was started 2 times and never ended" in (report.error or "")
