"""The limits of the machine delay the work; they never become a result."""

import os
import resource
import shutil
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from spool.layout import STAGES
from stages.runtime.exits import Exit
from stages.scan.running import STATE as RUNNING
from tests.pipeline.agent import Agent, until

PENDING = "the work stays pending"


def started(agent: Agent) -> None:
    agent.spool.prepare()
    agent.start()
    detected = agent.home / "spool" / "state" / "scan" / "detected"
    until(detected.exists, "detected")
    for process in agent.processes.values():
        until(partial(has_no_child, process.pid), "no worker is left, nor its pipes")


def limit_files(agent: Agent, spare: int) -> None:
    """Let every stage open only so many files more."""
    for process in agent.processes.values():
        used = {int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
        _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (max(used) + 1 + spare, most))


def lift_limit(agent: Agent) -> None:
    for process in agent.processes.values():
        _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))


@pytest.mark.parametrize("spare", [0, 2, 5])
def test_without_file_handles_the_scan_waits_and_is_made_afterwards(
    agent: Agent, spare: int
) -> None:
    started(agent)
    limit_files(agent, spare)
    scan_id = agent.ask()
    until(lambda: PENDING in agent.log("scan"), "the scan stage has met the limit")
    assert agent.spool.raw.scan_ids() == []
    assert agent.run("status", code=Exit.UNUSABLE).startswith("trouble: ")

    lift_limit(agent)
    until(lambda: agent.received(scan_id), "the scan is received")
    agent.run("status", code=Exit.OK)
    assert agent.report(scan_id).status == "completed"
    assert all(agent.processes[stage].poll() is None for stage in STAGES), agent.logs


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")
@pytest.mark.parametrize("errno", ["EAGAIN", "ENOMEM"])
def test_a_process_that_can_not_be_started_is_no_failed_scan(agent: Agent, errno: str) -> None:
    started(agent)
    faults = f"--inject=clone,clone3,vfork,fork:error={errno}"
    tracers = []
    for stage in ("scan", "parse", "ship"):
        pid = str(agent.processes[stage].pid)
        command = ("strace", "-f", "-qq", "-o", os.devnull, faults, "-p", pid)
        tracers.append(subprocess.Popen(command))
        until(partial(is_traced, pid), "traced")
    try:
        scan_id = agent.ask()
        until(lambda: PENDING in agent.log("scan"), "the scan stage has met the limit")
        assert agent.spool.raw.scan_ids() == []
    finally:
        for tracer in tracers:
            tracer.terminate()
            tracer.wait()
    until(lambda: agent.received(scan_id), "the scan is received")
    assert agent.report(scan_id).status == "completed"
    assert not (agent.home / "spool" / "state" / "scan" / RUNNING).exists()
    assert all(agent.processes[stage].poll() is None for stage in STAGES), agent.logs


def has_no_child(pid: int) -> bool:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):
            if (task / "children").read_text():
                return False
    return True


def is_traced(pid: str) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)
