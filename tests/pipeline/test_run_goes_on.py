"""`run` keeps the four stages running, whatever ends one of them."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial

from spool.layout import STAGES, Stage
from stages.console.supervise import SupervisedStage, Supervisor
from stages.runtime.exits import Exit
from stages.runtime.heartbeat import LastHeartbeat, read_heartbeat
from stages.runtime.logs import Log
from tests.pipeline.agent import Agent, an_agent, until
from tests.pipeline.test_signals_and_removal import run_of


def process_of(agent: Agent, stage: Stage) -> int:
    heartbeat = read_heartbeat(agent.home / "run", stage)
    assert heartbeat is not None
    return heartbeat.pid


def killed(agent: Agent, stage: Stage) -> int:
    pid = process_of(agent, stage)
    os.kill(pid, signal.SIGKILL)
    return pid


def is_another(agent: Agent, stage: Stage, pid: int) -> bool:
    heartbeat = read_heartbeat(agent.home / "run", stage)
    return heartbeat is not None and heartbeat.pid != pid and agent.spool.is_running(stage)


def test_a_stage_that_is_killed_with_wrong_settings_is_started_again_until_they_are_right() -> None:
    with an_agent() as agent:
        run = run_of(agent)
        others = {stage: process_of(agent, stage) for stage in STAGES if stage != "parse"}
        good = agent.config.read_text()
        agent.config.write_text("nonsense: true\n")
        pid = killed(agent, "parse")
        until(lambda: "settings are wrong" in agent.log("trigger"), "it was started again")
        agent.config.write_text(good)
        until(lambda: is_another(agent, "parse", pid), "it runs again")
        assert run.poll() is None
        assert {stage: process_of(agent, stage) for stage in others} == others
        run.terminate()
        assert run.wait(timeout=40) == 0


def test_a_process_that_still_holds_the_lock_does_not_end_the_run() -> None:
    with an_agent() as agent:
        run = run_of(agent)
        path = agent.home / "spool/state/ship/.lock"
        pid = process_of(agent, "ship")
        with path.open("r+b") as lock:
            script = "import fcntl, signal; fcntl.flock(0, 2); print(flush=True); signal.pause()"
            os.kill(pid, signal.SIGSTOP)
            command = [sys.executable, "-c", script]
            with subprocess.Popen(command, stdin=lock, stdout=subprocess.PIPE) as holder:
                os.kill(pid, signal.SIGKILL)
                assert holder.stdout is not None
                holder.stdout.readline()
                until(lambda: "another ship stage" in agent.log("trigger"), "the lock is held")
                holder.kill()
        until(lambda: is_another(agent, "ship", pid), "it runs again")
        assert run.poll() is None
        run.terminate()
        assert run.wait(timeout=40) == 0


def test_a_second_run_refuses_at_once_and_ends_nothing_of_the_first() -> None:
    with an_agent() as agent:
        run = run_of(agent)
        agent.run("run", code=Exit.BUSY)
        assert run.poll() is None
        assert all(agent.spool.is_running(stage) for stage in STAGES)
        run.terminate()
        assert run.wait(timeout=40) == 0


def test_a_stage_that_does_not_respond_is_killed_and_started_again() -> None:
    with an_agent() as agent, (agent.home / "run.log").open("w") as log:
        supervisor = Supervisor(
            agent.config, agent.home / "run", Log("run"), output=log, hangs_after_s=15.0
        )

        def has_started(stage: Stage, before: int) -> bool:
            assert supervisor.check() is None
            return is_another(agent, stage, before)

        try:
            for stage in STAGES:
                until(partial(has_started, stage, 0), "it runs")
            pid = process_of(agent, "trigger")
            os.kill(pid, signal.SIGSTOP)
            until(partial(has_started, "trigger", pid), "it was killed, and runs again")
        finally:
            supervisor.end()


def test_a_stage_whose_parent_was_killed_just_before_it_starts_does_not_start() -> None:
    with an_agent() as agent:
        agent.environment = {"COMPLIANCE_AGENT_SUPERVISOR": "1"}
        agent.start("ship")
        assert agent.processes["ship"].wait(timeout=60) == Exit.OK
        assert "the process that started this stage has ended" in agent.log("ship")
        assert not agent.spool.root.exists()


def test_a_stage_whose_heartbeat_was_removed_does_not_count_as_one_that_hangs() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        stage = SupervisedStage("ship", process)
        at = datetime(2026, 6, 1, tzinfo=UTC)
        stage.notice(LastHeartbeat(pid=process.pid, at=at), 0.0)
        assert stage.is_silent_for(180.0, 181.0)
        stage.notice(None, 181.0)
        assert not stage.is_silent_for(180.0, 182.0)
        process.kill()
