"""No container outlives its scan: not a cancelled one, and not that of a killed agent."""

import signal

import pytest

from tests.docker.engine import Engine
from tests.docker.scanning import ask, bench, report_of
from tests.pipeline.agent import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


def test_cancelling_removes_the_container(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("hangs")) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(lambda: docker.scans, "a container")
        agent.run("cancel", scan_id)
        until(lambda: agent.reported(scan_id), "a report")
        assert agent.report(scan_id).status == "cancelled"
        assert docker.scans == []


def test_stopping_the_agent_removes_the_container_and_the_scan_stays_pending(
    docker: Engine,
) -> None:
    with bench(docker, image=docker.bench_image("hangs")) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan")
        until(lambda: docker.scans, "a container")
        agent.kill("scan", signal.SIGTERM)
        assert docker.scans == []
        assert scan_id not in agent.spool.raw.names()


def test_the_container_of_a_killed_agent_is_removed_at_its_start_and_the_scan_is_done(
    docker: Engine,
) -> None:
    name = "compliance-agent-test/changing"
    with bench(docker, image=docker.bench_image("hangs", name)) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(lambda: docker.scans, "a container")
        left = docker.scans
        agent.kill("scan", signal.SIGKILL)
        assert docker.scans == left
        docker.bench_image("good", name)
        agent.start("scan")
        until(lambda: agent.reported(scan_id), "a report")
        assert agent.report(scan_id).status == "completed"
        assert docker.scans == []
        assert "that a crash left" in agent.log("scan")


def test_containers_of_others_are_left_alone(docker: Engine) -> None:
    label = "io.compliance-agent.scan=20261123T060301Z-docker-bench-3f9c2a17"
    image = docker.bench_image("hangs")
    others = ("--label", label, "--label", "io.compliance-agent.spool=/somewhere/else/raw")
    foreign = docker("run", "--detach", "--net", "none", *others, image)
    try:
        with bench(docker, image=docker.bench_image("good")) as agent:
            assert report_of(agent).status == "completed"
        assert [foreign.startswith(name) for name in docker.scans] == [True]
    finally:
        docker("rm", "--force", foreign)


def test_a_container_that_turns_up_late_is_removed_too(docker: Engine) -> None:
    image = docker.bench_image("hangs")
    with bench(docker, image=image) as agent:
        agent.start("scan")
        until(lambda: "stage started" in agent.log("scan"), "the stage is up")
        label = "io.compliance-agent.scan=20261123T060301Z-docker-bench-3f9c2a17"
        ours = ("--label", label, "--label", f"io.compliance-agent.spool={agent.spool.raw.path}")
        docker("run", "--detach", "--net", "none", *ours, image)
        agent.configure()
        until(lambda: docker.scans == [], "the container is gone")
