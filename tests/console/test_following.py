"""What an operator is output while a scan is on its way, with the four real stages."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Receiver
from spool.spool import Spool
from stages.runtime.heartbeat import Heartbeat
from tests.console.program import agent as console
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.slow

REFUSED = "Connection refused"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(database=tmp_path / "receiver.db") as receiver:
        yield receiver


@pytest.fixture
def agent(server: Receiver) -> Iterator[Agent]:
    with an_agent(server) as agent:
        yield agent


@pytest.mark.oscap
def test_waiting_and_its_timeout_show_that_the_server_is_away(
    agent: Agent, server: Receiver
) -> None:
    server.close()
    agent.start()
    done = console(
        "scan", "--profile", "all_pass", "--wait", "--timeout", "8", config=agent.config, code=1
    )
    assert len(re.findall(f"^waiting: backing off: .*{REFUSED}", done.stdout, re.MULTILINE)) >= 1
    scan_id = done.stdout.splitlines()[0]
    assert f"timed out, {scan_id} is still ship-pending (backing off: " in done.stderr
    assert REFUSED in done.stderr
    assert f"compliance-agent show {scan_id}" in done.stderr
    until(
        lambda: "not connected: Connection refused" in agent.run("status"),
        "the link has the same reason",
    )
    assert "Errno" not in agent.run("status") + agent.logs


@pytest.mark.oscap
def test_a_merged_scan_is_followed_to_the_answer_of_the_other(agent: Agent) -> None:
    first, command = (
        agent.ask("slow"),
        ["scan", "--profile", "slow", "--wait", "--config", str(agent.config)],
    )
    second = subprocess.Popen(
        [sys.executable, "-m", "stages.console.main", *command], stdout=subprocess.PIPE, text=True
    )
    until(lambda: len(agent.spool.commands.requests.ids()) == 2, "both requests")
    agent.start()
    output = second.communicate(timeout=90)[0]
    ids = {first, output.splitlines()[0]}
    (whole,) = [i for i in ids if agent.report(i).status == "completed"]  # type: ignore[arg-type]
    (merged,) = ids - {whole}
    assert second.returncode == 0
    assert re.search(r"^answer +accepted by ", output, re.MULTILINE)
    assert "no server is configured" not in output
    if output.startswith(merged):
        assert output.count(merged) == 1
        assert output.count(f"answered by {whole}") == 1
    assert [
        row["scan_id"] for row in json.loads(agent.run("list", "--status", "merged", "--json"))
    ] == [merged]


@pytest.mark.oscap
def test_the_running_scan_and_waiting_scans_have_different_states(agent: Agent) -> None:
    running, waiting = agent.ask("waits"), agent.ask("slower")
    agent.start()
    until(lambda: (agent.spool.root / "state" / "scan" / "running").exists(), "a scan runs")
    rows = {row["scan_id"]: row for row in json.loads(agent.run("list", "--json"))}
    assert [rows[i]["state"] for i in (running, waiting)] == ["scanning", "requested"]
    assert rows[waiting]["pending_reason"] == f"one scan at a time: {running} is running"
    assert rows[running]["pending_reason"] is None
    agent.run("cancel", running, waiting)
    until(lambda: agent.received(running) and agent.received(waiting), "receipts")


def test_a_stage_stopped_by_a_signal_is_not_called_running(agent: Agent) -> None:
    agent.start()
    until(lambda: all(agent.spool.is_running(stage) for stage in agent.processes), "all run")
    states = json.loads(agent.run("status", "--json"))
    assert set(states["stages"].values()) == {"running"}
    assert set(states["last_worked"]) == set(states["stages"])
    agent.processes["ship"].send_signal(signal.SIGSTOP)
    try:
        until(lambda: "kill -CONT" in agent.run("status"), "it is suspended")
        assert json.loads(agent.run("status", "--json"))["stages"]["ship"] == "suspended"
    finally:
        agent.processes["ship"].send_signal(signal.SIGCONT)


def test_a_stage_with_an_old_heartbeat_is_not_responding(config: Path, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.root.mkdir(mode=0o750)
    spool.claim("parse")
    (tmp_path / "run").mkdir()
    Heartbeat(tmp_path / "run", "parse")
    os.utime(tmp_path / "run" / "parse.heartbeat", (0, 0))
    states = json.loads(console("status", "--json", config=config).stdout)["stages"]
    assert (states["parse"], states["ship"]) == ("not responding", "stopped")
    assert "not responding" in console("status", config=config).stdout
    spool.release()


def test_a_scan_that_waits_for_a_stopped_stage_shows_it(config: Path) -> None:
    console("scan", config=config)
    (row,) = json.loads(console("list", "--json", config=config).stdout)
    assert row["pending_reason"].startswith("the trigger stage is not running")
    assert "the trigger stage is not running" in console("show", "last", config=config).stdout


def test_interrupted_waiting_reports_that_the_scan_continues(config: Path) -> None:
    message = [
        sys.executable,
        "-m",
        "stages.console.main",
        "scan",
        "--wait",
        "--config",
        str(config),
    ]
    with subprocess.Popen(
        message, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stdout
        assert waiting.stderr
        scan_id = waiting.stdout.readline().strip()
        assert "waiting: " in waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        output = waiting.stderr.read()
    assert waiting.returncode == 130
    assert f"the scan continues: compliance-agent show {scan_id};" in output.replace("\n", " ")
