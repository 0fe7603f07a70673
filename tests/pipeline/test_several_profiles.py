"""Several profiles with real stages, a real oscap and a server, and a clock that the test sets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from schemas.schedule import ServerOverrides
from spool.layout import STAGES
from stages.scanners.openscap.content import EVERY_RESULT, LINUX
from stages.trigger.request_writer import RequestWriter
from stages.trigger.scheduler import Scheduler
from tests.pipeline.agent import Agent, until
from tests.trigger.worker import At, process_at

pytestmark = pytest.mark.oscap

NOON = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
FIRST = {"profile": "every_result", "schedule": "0 3 * * *"}
SECOND = {"profile": "all_pass", "schedule": "0 5 1 * *"}
ELSEWHERE = {"profile": "linux_standard", "schedule": None, "content": str(LINUX)}
EVERY_TITLE, PASS_TITLE = "Every Result", "All Pass"


def configure(agent: Agent, *scans: dict[str, Any]) -> dict[str, Any]:
    compliance = agent.settings["compliance"]
    compliance["schedules"] = {"time_zone": "UTC", "splay_s": 0}
    compliance["openscap"] = {"content": str(EVERY_RESULT), "scans": list(scans)}
    agent.configure()
    agent.run("config", "check")
    return dict(compliance)


@contextmanager
def a_trigger(agent: Agent, *scans: dict[str, Any]) -> Iterator[At]:
    """The trigger stage's part of the spool, with a clock."""
    process = process_at(NOON, agent.home / "spool", compliance=configure(agent, *scans))
    try:
        yield process
    finally:
        process.spool.release()


def scheduled(process: At) -> Scheduler:
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    return scheduler


def at(process: At, scheduler: Scheduler, moment: datetime) -> None:
    """The passes just before this moment and at it."""
    for step in (timedelta(minutes=-1), timedelta(seconds=5)):
        process.moment = moment + step
        scheduler.run_once(ServerOverrides())


def completed(agent: Agent, count: int) -> list[str]:
    """The profiles of this many accepted scans, in their order."""

    def all_are_here() -> bool:
        return len(agent.spool.receipts.ids()) == count

    until(all_are_here, f"{count} receipts")
    scan_ids = [ScanId(scan_id) for scan_id in agent.spool.receipts.ids()]
    assert {agent.receipt(scan_id).answer for scan_id in scan_ids} == {"accepted"}
    return [agent.report(scan_id).profile.name for scan_id in scan_ids]


def kept_by(server: Receiver) -> set[str]:
    return {scan["profile_name"] for scan in server.scans() if scan["status"] == "completed"}


def planned(agent: Agent) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(agent.run("status", "--json"))["planned_scans"]
    return [scan for scan in found if scan["scanner"] == "openscap"]


def test_two_profiles_are_scanned_by_two_schedules_and_the_server_keeps_both(
    agent: Agent, server: Receiver
) -> None:
    with a_trigger(agent, FIRST, {**SECOND, "schedule": "0 5 * * *"}) as process:
        scheduler = scheduled(process)
        agent.start("scan", "parse", "ship")
        at(process, scheduler, NOON.replace(day=2, hour=3, minute=0))
        assert completed(agent, 1) == [EVERY_TITLE]
        at(process, scheduler, NOON.replace(day=2, hour=5, minute=0))
        assert completed(agent, 2) == [EVERY_TITLE, PASS_TITLE]
        at(process, scheduler, NOON.replace(day=3, hour=3, minute=0))
        assert completed(agent, 3) == [EVERY_TITLE, PASS_TITLE, EVERY_TITLE]
        assert kept_by(server) == {EVERY_TITLE, PASS_TITLE}
        newest, _, oldest = reversed(agent.spool.receipts.ids())
        compared = json.loads(agent.run("compare", newest, "--json", code=None))
        assert compared["before"]["scan_id"] == oldest, "the scan of the same profile"
        first, second = planned(agent)
        assert (first["title"], first["last"]["scan_id"]) == (EVERY_TITLE, newest)
        assert (second["title"], second["last"]["status"]) == (PASS_TITLE, "completed")


def test_of_two_profiles_only_the_missed_one_is_made_up_for(agent: Agent) -> None:
    with a_trigger(agent, FIRST, SECOND) as process:
        scheduled(process)
        agent.start("scan", "parse", "ship")
        process.moment += timedelta(days=2)
        scheduler = scheduled(process)
        assert process.requests == [], "not at the start"
        process.moment += timedelta(seconds=121)
        scheduler.run_once(ServerOverrides())
        assert completed(agent, 1) == [EVERY_TITLE]
        assert len(process.requests) == 1


def test_scans_that_are_due_together_run_one_after_the_other_in_their_order(agent: Agent) -> None:
    together = "0 3 * * *"
    with a_trigger(agent, {**SECOND, "schedule": together}, FIRST) as process:
        scheduler = scheduled(process)
        at(process, scheduler, NOON.replace(day=2, hour=3, minute=0))
        agent.start("scan", "parse", "ship")
        assert completed(agent, 2) == [PASS_TITLE, EVERY_TITLE]


def test_the_list_can_change_while_the_stages_run(agent: Agent, server: Receiver) -> None:
    configure(agent, FIRST, SECOND)
    agent.start()
    until(lambda: all(map(agent.spool.is_running, STAGES)), "the stages")
    until(lambda: len(planned(agent)) == 2, "two scans")
    until(server.online, "connected")
    server.send_command({"type": "compliance_trigger"})
    assert completed(agent, 1) == [EVERY_TITLE]
    configure(agent, ELSEWHERE, FIRST)
    state = agent.spool.root / "state"
    until(lambda: str(LINUX) in (state / "scan" / "detected").read_text(), "detected anew")
    until(
        lambda: "0 5 1 * *" not in (state / "trigger" / "trigger").read_text(),
        "the removed schedule is over",
    )
    server.send_command({"type": "compliance_trigger"})
    until(lambda: len(agent.spool.receipts.ids()) == 2, "a second receipt")
    newest = ScanId(agent.spool.receipts.ids()[-1])
    content = agent.report(newest).content
    assert content is not None
    assert content.path == str(LINUX), "the first scan of the list"
    first, second = planned(agent)
    assert (first["profile"], first["next"]) == ("linux_standard", None)
    assert second["next"] is not None
    names = [name for name in agent.spool.state_store("trigger").names() if "schedule-" in name]
    assert len([name for name in names if "openscap" in name]) == 1


def test_each_profile_is_named_where_profiles_and_metrics_are_listed(agent: Agent) -> None:
    configure(agent, FIRST, SECOND, ELSEWHERE)
    agent.start()
    for profile in ("every_result", "all_pass"):
        agent.run("scan", "--profile", profile, "--wait", code=None)
    metrics = agent.run("metrics")
    assert f'profile="{EVERY_TITLE}"' in metrics
    assert f'profile="{PASS_TITLE}"' in metrics
    listed = json.loads(agent.run("profiles", "--json"))
    scanned = {
        profile["id"].rpartition("_profile_")[2]: profile["scanned"]
        for profile in listed
        if profile["scanned"]
    }
    assert scanned == {
        "every_result": "0 3 * * *",
        "all_pass": "0 5 1 * *",
        "linux_standard": "on request",
    }
    content = json.loads(agent.run("content", "--json"))["content"]
    used = {entry["file"]: entry["reason"] for entry in content if entry["used"]}
    assert set(used) == {str(EVERY_RESULT), str(LINUX)}
    assert used[str(LINUX)] == "compliance.openscap.scans[2] uses it"
    shown = agent.run("status")
    assert shown.count("openscap  ") >= 3
    assert "on request" in shown
