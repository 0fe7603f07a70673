"""The limits of the machine delay the work; they never become a result."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from spool.layout import STAGES, Stage
from stages.runtime.exits import Exit
from stages.scan.running import STATE as RUNNING
from tests.faults.test_immovable_entries import immutable
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
def test_a_process_that_can_not_be_started_is_not_a_failed_scan(agent: Agent, errno: str) -> None:
    started(agent)
    with ExitStack() as failing:
        for stage in ("scan", "parse", "ship"):
            failing.enter_context(failing_to_start(agent.processes[stage].pid, errno))
        scan_id = agent.ask()
        until(lambda: PENDING in agent.log("scan"), "the scan stage has met the limit")
        assert agent.spool.raw.scan_ids() == []
    until(lambda: agent.received(scan_id), "the scan is received")
    assert agent.report(scan_id).status == "completed"
    assert not (agent.home / "spool" / "state" / "scan" / RUNNING).exists()
    assert all(agent.processes[stage].poll() is None for stage in STAGES), agent.logs


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")
def test_a_start_without_threads_is_refused_in_one_line_and_tried_again_later(
    agent: Agent,
) -> None:
    done = subprocess.run(
        without_threads(agent, "trigger"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == Exit.UNAVAILABLE, done.stderr
    assert "raise TasksMax or MemoryMax; the work stays pending" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")
@pytest.mark.parametrize("stage", ["scan", "parse", "ship"])
def test_a_stage_that_needs_no_thread_works_without_one(agent: Agent, stage: Stage) -> None:
    log = agent.home / "without-threads"
    with log.open("wb") as stream:
        process = subprocess.Popen(without_threads(agent, stage), stderr=stream)
        try:
            until(lambda: b"stage started" in log.read_bytes(), "the stage has started")
        finally:
            process.terminate()
            process.wait()
    assert "no doorbell: work is found by the timer" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")
def test_a_server_is_connected_to_when_threads_can_be_started_again(agent: Agent) -> None:
    server = agent.settings.pop("server")
    agent.configure()
    started(agent)
    pid = agent.processes["trigger"].pid
    with failing_to_start(pid, "EAGAIN"):
        agent.configure(server=server)
        until(lambda: PENDING in agent.log("trigger"), "the trigger stage has met the limit")
    until(lambda: "server commands: connected" in agent.log("trigger"), "connected")
    assert agent.processes["trigger"].poll() is None
    assert "Traceback" not in agent.log("trigger")


def without_threads(agent: Agent, stage: Stage) -> list[str]:
    """The command of a stage that can start neither processes nor threads."""
    # With -D, the stage is the child of the test, so that a signal reaches it.
    inject = "--inject=clone,clone3:error=EAGAIN"
    tracer = ("strace", "-D", "-f", "-qq", "-o", os.devnull, inject)
    command = (sys.executable, "-m", agent.module, "stage", stage, "--config", str(agent.config))
    return [*tracer, *command]


@contextmanager
def failing_to_start(pid: int, errno: str) -> Iterator[None]:
    """Meanwhile this process can start neither processes nor threads."""
    faults = f"--inject=clone,clone3,vfork,fork:error={errno}"
    tracer = subprocess.Popen(("strace", "-f", "-qq", "-o", os.devnull, faults, "-p", str(pid)))
    try:
        until(partial(is_traced, pid), "traced")
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def has_no_child(pid: int) -> bool:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):
            if (task / "children").read_text():
                return False
    return True


def is_traced(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")
def test_a_watch_that_can_not_be_renewed_without_threads_ends_no_stage(agent: Agent) -> None:
    started(agent)
    with failing_to_start(agent.processes["trigger"].pid, "EAGAIN"):
        with immutable(agent.spool.root / "requests"):
            agent.ask()
            until(lambda: PENDING in agent.log("trigger"), "the trigger stage has trouble")
        until(lambda: "recovered" in agent.log("trigger"), "the trigger stage has recovered")
    scan_id = agent.ask()
    until(lambda: agent.received(scan_id), "the scan is received")
    assert agent.processes["trigger"].poll() is None
    assert "Traceback" not in agent.log("trigger")
