"""A scanner that a test alone defines passes through the whole agent, without a line changed
elsewhere.
"""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver import Policy, Receiver
from schemas.ids import ScanId
from schemas.schedule import ScheduleState
from tests.pipeline.agent import Agent, an_agent, until
from tests.pipeline.test_signals_and_removal import run_of

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("line-check.sh")
KEY, SECTION = "line-check", "line_check"
LINES = b"line-check|one|The first line|pass\nline-check|two|The second line|fail\n"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000)) as receiver:
        yield receiver


@pytest.fixture
def agent(server: Receiver, tmp_path: Path) -> Iterator[Agent]:
    """The agent with the third scanner alone switched on; its script can be changed."""
    script = tmp_path / SCRIPT.name
    shutil.copy(SCRIPT, script)
    with an_agent(server) as agent:
        agent.module = "tests.example_scanner"
        agent.settings["compliance"] = {
            "openscap": {"enabled": False},
            "docker_bench": {"enabled": False},
            SECTION: {"script": str(script)},
            "schedules": {"time_zone": "UTC", "splay_s": 0, "catch_up_after_s": 0},
        }
        agent.configure()
        yield agent


def listed(agent: Agent) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(agent.run("list", "--json"))
    return rows


def test_from_the_command_line_to_the_server(agent: Agent, server: Receiver) -> None:
    agent.start()
    shown = json.loads(agent.run("scan", "--scanner", KEY, "--wait", "--json"))
    report, receipt = shown["report"], shown["receipt"]
    assert receipt["answer"] == "accepted"
    assert report["profile"]["type"] == KEY
    assert (report["summary"]["passed"], report["summary"]["failed"]) == (1, 1)
    (row,) = listed(agent)
    assert (row["scan_id"], row["state"]) == (report["scan_id"], "done")
    assert "The second line" in agent.run("show", report["scan_id"])
    (scan,) = server.scans()
    assert [result["status"] for result in scan["results"]] == ["pass", "fail"]
    agent.run("verify")


def test_the_stages_that_run_starts_have_it(agent: Agent) -> None:
    run = run_of(agent)
    shown = json.loads(agent.run("scan", "--scanner", KEY, "--wait", "--json"))
    assert shown["receipt"]["answer"] == "accepted"
    run.terminate()
    assert run.wait(timeout=40) == 0


def test_a_missed_schedule_and_a_command_of_the_server_run_it(
    agent: Agent, server: Receiver
) -> None:
    agent.settings["compliance"][SECTION]["schedule"] = "0 3 * * *"
    agent.configure()
    agent.spool.prepare()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    state = ScheduleState(schedule="0 3 * * *", time_zone="UTC", until=yesterday)
    agent.spool.state_store("trigger").write(f"schedule-{KEY}", state)
    agent.start()
    until(lambda: [row for row in listed(agent) if row["state"] == "done"], "the missed scan")
    (row,) = listed(agent)
    assert agent.report(ScanId(row["scan_id"])).reasons[0].source == "schedule"
    until(server.online, "connected")
    server.send_command({"type": "compliance_scan", "profile_type": KEY, "request_id": "r-1"})
    until(lambda: len([row for row in listed(agent) if row["state"] == "done"]) == 2, "a second")
    last = agent.report(ScanId(listed(agent)[-1]["scan_id"]))
    assert last.reasons[0].request_id == "r-1"
    assert last.status == "completed"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "compliance_trigger", "profile": "Line Check: first"},
        {"type": "compliance_trigger", "profile": "line-check-first"},
        {
            "type": "compliance_scan",
            "profile_type": KEY,
            "profile_id": "line-check-first",
        },
    ],
)
def test_a_profile_that_the_server_requests_is_its_own(
    agent: Agent, server: Receiver, message: dict[str, Any]
) -> None:
    agent.start()

    def offered() -> list[str]:
        statuses = server.integration_statuses()
        if not statuses:
            return []
        profiles = statuses[-1]["scanner_info"]["available_profiles"]
        return [profile["name"] for profile in profiles if profile["type"] == KEY]

    until(lambda: "Line Check: first" in offered(), "the profile is offered")
    server.send_command({**message, "request_id": "r-9"})
    until(lambda: [row for row in listed(agent) if row["state"] == "done"], "a scan")
    (row,) = listed(agent)
    report = agent.report(ScanId(row["scan_id"]))
    assert (report.status, report.error) == ("completed", None)
    assert (report.profile.id, report.profile.type) == ("line-check-first", KEY)
    assert [scan["profile_name"] for scan in server.scans()] == ["Line Check: first"]


def test_its_own_setting_and_its_own_format(agent: Agent, server: Receiver) -> None:
    agent.settings["compliance"][SECTION]["checks"] = 3
    agent.configure()
    problem = f"compliance.{SECTION}.checks: must be a whole number from 1 to 2; it is 3"
    assert problem in agent.run("config", "check", code=2)
    agent.settings["compliance"][SECTION]["checks"] = 2
    agent.configure()
    agent.start()
    scan_id = json.loads(agent.run("scan", "--scanner", KEY, "--wait", "--json"))["report"][
        "scan_id"
    ]
    assert agent.run("show", scan_id, "--format", "lines").encode() == LINES
    agent.run("show", scan_id, "--format", "arf", code=1)
    assert "lines" in agent.run("show", "--help")


def test_the_server_learns_that_it_is_ready_and_when_it_is_not(
    agent: Agent, server: Receiver
) -> None:
    def component() -> object:
        statuses = server.integration_statuses()
        return statuses[-1]["components"].get(KEY) if statuses else None

    agent.start("trigger", "scan")
    until(lambda: component() == "ready", "the scanner is ready")
    body = server.integration_statuses()[-1]
    script = agent.settings["compliance"][SECTION]["script"]
    assert body["capabilities"][SECTION] == {"script_path": script}
    assert body["scanner_info"][f"{SECTION}_available"] is True
    assert {profile["type"] for profile in body["scanner_info"]["available_profiles"]} >= {KEY}
    Path(script).unlink()
    agent.settings["spool"]["check_every_s"] = 0.2
    agent.configure()
    until(lambda: component() is None, "that it is gone")


def test_the_reason_of_a_failed_scan_holds_no_secret(agent: Agent, server: Receiver) -> None:
    script = Path(agent.settings["compliance"][SECTION]["script"])
    script.write_text(
        "#!/bin/sh\necho 'no answer from https://joe:hunter22@example.com/' >&2\nexit 3\n"
    )
    scan_id = ScanId(json.loads(agent.run("scan", "--scanner", KEY, "--json"))["scan_id"])
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    error = agent.report(scan_id).error
    message = "the script ended with exit code 3: no answer from https://********@example.com/"
    assert error == message


def test_a_scan_of_a_scanner_that_is_switched_off_fails_with_the_setting_to_change(
    agent: Agent, server: Receiver
) -> None:
    agent.settings["compliance"][SECTION]["enabled"] = False
    agent.configure()
    scan_id = ScanId(json.loads(agent.run("scan", "--scanner", KEY, "--json"))["scan_id"])
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    message = f"Line Check scans are switched off: set compliance.{SECTION}.enabled: true"
    assert agent.report(scan_id).error == message
    (scan,) = server.scans()
    assert scan["profile_name"] == "Line Check Scan", "the generic name at the server"


def test_the_cause_of_its_failures_comes_first_at_the_server(
    agent: Agent, server: Receiver
) -> None:
    script = Path(agent.settings["compliance"][SECTION]["script"])
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    agent.start()
    agent.run("scan", "--scanner", KEY, "--wait", code=1)
    script.unlink()
    agent.run("scan", "--scanner", KEY, "--wait", code=1)
    killed, missing = [scan["error"] for scan in server.scans()]
    assert killed.startswith("scanner killed; profile Line Check: the script was ended by signal 9")
    assert missing.startswith("scanner not ready; profile Line Check: ")


def test_commands_that_look_at_the_host_or_at_files_know_it(agent: Agent, tmp_path: Path) -> None:
    assert set(json.loads(agent.run("detect", "--json", code=None))) >= {SECTION}
    assert f"{KEY}" in agent.run("detect", code=None)
    profiles = json.loads(agent.run("profiles", "--json", code=None))
    assert "Line Check" in {profile["title"] for profile in profiles}
    agent.start("scan")
    until((agent.spool.root / "state" / "scan" / "detected").exists, "a detection")
    assert json.loads(agent.run("status", "--json"))["detected"]["scanners"][KEY]["ready"]
    assert f"compliance.{SECTION}.script" in agent.run("config", "keys")
    lines = tmp_path / "lines.txt"
    lines.write_bytes(LINES)
    assert json.loads(agent.run("parse", str(lines)))["summary"]["total_rules"] == 2
    agent.settings["compliance"][SECTION]["time_limit_s"] = 1
    agent.configure()
    assert f"compliance.{SECTION}.time_limit_s: must be" in agent.run("config", "check", code=2)


def test_without_the_module_its_requests_and_results_stay_for_the_version_that_has_it(
    agent: Agent, server: Receiver
) -> None:
    agent.start("trigger", "scan")
    raw = ScanId(json.loads(agent.run("scan", "--scanner", KEY, "--json"))["scan_id"])
    until(lambda: raw in agent.spool.raw.scan_ids(), "its raw entry")
    agent.stop()
    request = ScanId(json.loads(agent.run("scan", "--scanner", KEY, "--json"))["scan_id"])
    section = agent.settings["compliance"].pop(SECTION)
    agent.module = "stages.console.main"
    agent.configure()
    agent.start()
    names = {raw, f"{request}.request"}
    until(lambda: set(json.loads(agent.run("status", "--json"))["newer"]) == names, "both named")
    found = json.loads(agent.run("verify", "--json"))
    assert {(finding["path"], finding["kind"]) for finding in found} == {
        (name, "newer") for name in names
    }
    assert all(f"no scanner '{KEY}'" in row["pending_reason"] for row in listed(agent))
    assert agent.spool.reports.names() == []
    agent.stop()
    agent.settings["compliance"][SECTION] = section
    agent.module = "tests.example_scanner"
    agent.configure()
    agent.start()
    until(lambda: agent.received(raw) and agent.received(request), "both receipts")
    assert [agent.report(scan_id).status for scan_id in (raw, request)] == ["completed"] * 2


def test_without_the_module_the_agent_does_not_know_it(agent: Agent) -> None:
    agent.module = "stages.console.main"
    assert f"compliance.{SECTION}: no such key" in agent.run("config", "check", code=2)
