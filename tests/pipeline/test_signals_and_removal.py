"""SIGHUP, and a spool that is removed under running stages."""

import fcntl
import shutil
import signal
import socket
import subprocess
import sys

from stages.runtime.exits import Exit
from tests.pipeline.agent import Agent, an_agent, until


def started(agent: Agent) -> None:
    until(lambda: "stage started" in agent.log("trigger"), "started")


def test_sighup_reads_the_settings_and_ends_no_stage() -> None:
    with an_agent() as agent:
        agent.start()
        for stage in agent.processes:
            until(lambda stage=stage: "stage started" in agent.log(stage), "started")  # type: ignore[misc]
            agent.processes[stage].send_signal(signal.SIGHUP)
            until(lambda stage=stage: "settings applied" in agent.log(stage), "looked")  # type: ignore[misc]
        assert all(process.poll() is None for process in agent.processes.values())


def test_changed_settings_reach_the_stages_that_do_not_watch_the_file() -> None:
    with an_agent() as agent:
        # Longer than the test waits: their timers do not find it.
        agent.configure(spool={**agent.settings["spool"], "check_every_s": 60})
        agent.start()
        for stage in agent.processes:
            until(lambda stage=stage: "stage started" in agent.log(stage), "started")  # type: ignore[misc]
        agent.configure(log={"level": "warning"})
        for stage in agent.processes:
            until(lambda stage=stage: "settings applied" in agent.log(stage), "applied", 40)  # type: ignore[misc]


def test_a_stage_that_is_stopped_while_it_starts_is_not_one_that_died() -> None:
    with an_agent() as agent, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(agent.home / "notify"))
        agent.environment = {"NOTIFY_SOCKET": str(agent.home / "notify")}
        runtime = agent.home / "run"
        runtime.mkdir()
        agent.spool.prepare()
        with (agent.home / "spool/state/parse/.lock").open("w") as lock:
            # For which the stage waits a moment, in the middle of its start.
            fcntl.flock(lock, fcntl.LOCK_EX)
            agent.start("parse")
            until((runtime / "parse.starts").exists, "the note of its start")
            agent.processes["parse"].terminate()
        assert agent.processes["parse"].wait(timeout=40) in (Exit.OK, Exit.BUSY)
        assert not (runtime / "parse.starts").exists()


def run_of(agent: Agent, *before: str) -> "subprocess.Popen[bytes]":
    with (agent.home / "trigger.log").open("wb") as log:
        run = subprocess.Popen(
            [
                *before,
                sys.executable,
                "-m",
                agent.module,
                "run",
                "--config",
                str(agent.config),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until(lambda: agent.log("trigger").count("stage started") == 4, "all four")
    return run


def test_a_closed_terminal_ends_run_and_its_stages() -> None:
    with an_agent() as agent:
        run = run_of(agent)
        run.send_signal(signal.SIGHUP)
        assert run.wait(timeout=40) == 0
        assert agent.log("trigger").count("stage stopped") == 4


def test_a_closed_terminal_does_not_end_what_was_started_with_nohup() -> None:
    with an_agent() as agent:
        run = run_of(agent, "nohup")
        run.send_signal(signal.SIGHUP)
        scan_id = agent.ask()
        until(lambda: agent.reported(scan_id), "it works on")
        assert run.poll() is None
        run.terminate()
        assert run.wait(timeout=40) == 0


def test_a_stage_whose_spool_was_removed_claims_it_again_and_no_second_one_starts() -> None:
    with an_agent() as agent:
        agent.start("trigger")
        started(agent)
        shutil.rmtree(agent.spool.root)
        until(lambda: "spool claimed again" in agent.log("trigger"), "claimed again")
        first = agent.processes["trigger"]
        agent.start("trigger")
        second = agent.processes["trigger"]
        assert second.wait(timeout=20) == 4
        assert first.poll() is None
        agent.processes["trigger"] = first
        scan_id = agent.ask()
        until(lambda: scan_id in agent.spool.requests.ids(), "it works on")


def test_a_stage_whose_spool_was_claimed_by_another_ends_with_the_reason() -> None:
    with an_agent() as agent:
        agent.start("trigger")
        started(agent)
        first = agent.processes["trigger"]
        first.send_signal(signal.SIGSTOP)
        shutil.rmtree(agent.spool.root)
        agent.start("trigger")
        until(lambda: agent.log("trigger").count("stage started") == 2, "the second one works")
        first.send_signal(signal.SIGCONT)
        assert first.wait(timeout=20) == 4
        assert "another trigger stage is running" in agent.log("trigger")
        assert agent.processes["trigger"].poll() is None
