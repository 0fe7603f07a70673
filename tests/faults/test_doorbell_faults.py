"""Trouble between the processes of one host: events are only hints."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq

from receiver import Receiver
from schemas.event import Event
from spool.layout import STAGES, Stage
from stages.runtime.doorbell import ZmqDoorbell, publish_to_stages
from tests.faults.quick_agent import QuickAgent
from tests.pipeline.agent import until

FORGED = (
    Event(name="ScanRequested", scan_id="20261123T060301Z-line-check-3f9c2a17"),
    Event(name="ScanFinished", scan_id="../../etc/passwd"),
    Event(name="ReportWritten", scan_id="", result="accepted"),
    Event(name="ReportShipped", scan_id="\n\x1b[31m", result="accepted"),
    Event(name="CancellationRequested", scan_id="all"),
    Event(name="HostDetected"),
)
GARBAGE = (b"", b"x", b"ScanFinished {", b"ScanRequested \xff\xfe", b"\0" * 4096)


def started(agent: QuickAgent, *stages: Stage) -> None:
    agent.start(*stages)
    for stage in stages or STAGES:
        until(lambda stage=stage: "stage started" in agent.log(stage), f"{stage} runs")  # type: ignore[misc]


def runtime(agent: QuickAgent) -> Path:
    return agent.home / "run"


@pytest.mark.parametrize("stage", STAGES)
def test_a_second_instance_takes_no_socket_from_the_first(agent: QuickAgent, stage: Stage) -> None:
    started(agent, stage)
    sockets = [runtime(agent) / f"{stage}.{end}" for end in ("pub", "sub")]
    before = [path.stat().st_ino for path in sockets]
    command = [sys.executable, "-m", agent.module, "stage", stage, "--config", str(agent.config)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 4, second.stderr
    assert f"process {agent.processes[stage].pid}" in second.stderr
    assert [path.stat().st_ino for path in sockets] == before
    log = len(agent.log(stage))
    agent.processes[stage].send_signal(signal.SIGHUP)
    until(lambda: "settings applied" in agent.log(stage)[log:], "the first one works on")


def test_forged_events_and_garbage_cost_nothing(agent: QuickAgent, server: Receiver) -> None:
    started(agent)
    for event in FORGED:
        publish_to_stages(runtime(agent), event)
    flood(runtime(agent))
    scan_id = agent.request()
    until(lambda: agent.received(scan_id), "a real request is carried out")
    assert all(process.poll() is None for process in agent.processes.values()), agent.logs
    assert agent.spool.requests.ids() == [scan_id]
    assert "Traceback" not in agent.logs
    assert "\x1b" not in agent.logs


def flood(runtime: Path) -> None:
    context = zmq.Context()
    for stage in STAGES:
        forger = context.socket(zmq.PUB)
        forger.connect(f"ipc://{runtime}/{stage}.sub")
        for _ in range(200):
            for message in GARBAGE:
                forger.send(message, zmq.NOBLOCK)
            forger.send_multipart([b"ScanFinished {}", b"more"], zmq.NOBLOCK)
    context.destroy(linger=500)


def test_a_stage_that_reads_no_events_holds_up_none_of_the_others(
    agent: QuickAgent, server: Receiver
) -> None:
    started(agent)
    agent.processes["parse"].send_signal(signal.SIGSTOP)
    began = time.monotonic()
    publisher = ZmqDoorbell(runtime(agent), None, ())
    publisher.close()
    # More than the queue of either side holds, and each a connection that it does not serve.
    with ThreadPoolExecutor() as pool:
        for _ in range(20):
            pool.submit(publish_to_stages, runtime(agent), Event(name="CommandGiven"), 0.1)
    scan_ids = [agent.request() for _ in range(5)]
    until(lambda: set(scan_ids) <= set(agent.spool.raw.scan_ids()), "the others work")
    assert time.monotonic() - began < 60
    agent.processes["parse"].send_signal(signal.SIGCONT)
    until(lambda: all(agent.received(i) for i in scan_ids), "all is delivered")


def test_thousands_of_unread_events_block_no_publisher(agent: QuickAgent) -> None:
    started(agent, "parse")
    scan = ZmqDoorbell(runtime(agent), "scan", ())
    until(lambda: is_heard(agent, scan), "a connection")
    agent.processes["parse"].send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(20_000):
        scan.publish(Event(name="ScanFinished", scan_id="x" * 200))
    assert time.monotonic() - began < 30
    scan.close()
    agent.processes["parse"].send_signal(signal.SIGCONT)
    log = len(agent.log("parse"))
    agent.processes["parse"].send_signal(signal.SIGHUP)
    until(lambda: "settings applied" in agent.log("parse")[log:], "it works on")


def is_heard(agent: QuickAgent, scan: ZmqDoorbell) -> bool:
    """Whether the parse stage starts its reader, which it does at this event."""
    scan.publish(Event(name="ScanStarted", scan_id="x"))
    children = Path(f"/proc/{agent.processes['parse'].pid}/task")
    return any((task / "children").read_text().strip() for task in children.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
def test_a_socket_that_is_not_for_this_user_is_named_with_the_remedy(
    agent: QuickAgent,
) -> None:
    nobody = 65534
    agent.start("parse")
    until(lambda: "stage started" in agent.log("parse"), "the directories are there")
    agent.stop()
    run = runtime(agent)
    (run / "parse.pub").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as parse:
        parse.bind(str(run / "parse.pub"))
        (run / "parse.pub").chmod(0o600)
        for path in (agent.home, *agent.home.rglob("*")):
            if path != run / "parse.pub":
                os.chown(path, nobody, nobody)
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        command += [sys.executable, "-m", agent.module, "stage", "ship"]
        with (agent.home / "ship.log").open("ab") as log:
            agent.processes["ship"] = subprocess.Popen(
                [*command, "--config", str(agent.config)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: "stage started" in agent.log("ship"), "the stage works all the same")
        assert f"chmod 0660 {run}/parse.pub" in agent.log("ship")
        agent.stop()
