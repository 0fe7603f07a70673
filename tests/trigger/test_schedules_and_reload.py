"""Schedules and changing settings, with the real trigger stage."""

import json
from datetime import UTC, datetime

import pytest

from schemas.request import Request
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.slow


def requests_of(agent: Agent) -> list[Request]:
    box = agent.spool.requests
    if not box.path.exists():
        return []
    return [box.read(i) for i in box.ids()]


def test_a_schedule_requests_a_scan_and_a_restart_does_not_request_it_again() -> None:
    with an_agent() as agent:
        compliance = agent.settings["compliance"]
        compliance["schedules"] = {"splay_s": 0, "time_zone": "UTC"}
        compliance["openscap"]["schedule"] = "* * * * *"
        agent.configure()
        agent.start("trigger")
        until(lambda: requests_of(agent), "a scheduled request", 70)
        agent.kill("trigger")
        (request,) = requests_of(agent)
        assert request.reason.source == "schedule"
        (agent.spool.root / "state" / "trigger" / "schedule-openscap").unlink()
        agent.start("trigger")
        until(lambda: "stage started" in agent.log("trigger"), "started")
        until(lambda: (agent.spool.root / "state" / "trigger" / "trigger").exists(), "looked")
        ids = [request.scan_id for request in requests_of(agent)]
        assert ids.count(request.scan_id) == 1


def test_a_changed_settings_file_is_applied_and_a_broken_one_is_not() -> None:
    with an_agent() as agent:
        agent.start("trigger")
        state = agent.spool.root / "state" / "trigger" / "trigger"
        until(state.exists, "started")
        agent.settings["compliance"]["openscap"]["schedule"] = "0 3 * * *"
        agent.configure()
        until(lambda: "0 3 * * *" in state.read_text(), "the schedule is in force")
        agent.settings["compliance"]["openscap"]["schedule"] = "0 3 * *"
        agent.configure()
        until(
            lambda: "compliance.openscap.schedule" in agent.log("trigger"), "the problem is logged"
        )
        agent.config.write_text("compliance: [")
        until(lambda: "is not YAML" in agent.log("trigger"), "the problem is logged")
        assert "0 3 * * *" in state.read_text()
        assert agent.processes["trigger"].poll() is None


def test_an_invalid_schedule_prevents_a_start_and_config_check_reports_it() -> None:
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"]["schedule"] = "every day"
        agent.configure()
        agent.start("trigger")
        assert agent.processes["trigger"].wait(timeout=20) == 2
        assert "has 2 fields, a cron expression has five" in agent.log("trigger")
        checked = json.loads(agent.run("config", "check", "--json", code=2))
        assert any(
            "compliance.openscap.schedule" in problem["key"] for problem in checked["problems"]
        )


def test_status_shows_when_each_scanner_runs_next() -> None:
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"]["schedule"] = "0 3 * * 0"
        agent.settings["compliance"]["docker_bench"] = {"schedule": "0 4 * * 0"}
        agent.configure()
        agent.start("trigger")
        until((agent.spool.root / "state" / "trigger" / "trigger").exists, "started")
        status = json.loads(agent.run("status", "--json"))
        due = {
            entry["scanner"]: datetime.fromisoformat(entry["at"])
            for entry in status["trigger"]["next_due"]
        }
        assert set(due) == {"openscap", "docker-bench"}
        assert all(at > datetime.now(UTC) for at in due.values())
        assert "(0 3 * * 0 " in agent.run("status")
