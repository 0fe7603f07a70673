"""Docker Bench through the real scan and parse stages, against a real engine."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.ids import ScanId, new_scan_id
from schemas.report import Report
from schemas.request import Reason, Request
from stages.console.commanding import now
from tests.docker.engine import Engine, write_script
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@contextmanager
def bench(docker: Engine | None = None, **settings: Any) -> Iterator[Agent]:
    with an_agent() as agent:
        socket = {"socket": str(docker.socket)} if docker else {}
        agent.settings["compliance"]["docker_bench"] = {"pull": "never", **socket, **settings}
        agent.configure()
        yield agent


def ask(agent: Agent, profile: str | None = None) -> ScanId:
    at = now()
    scan_id = new_scan_id("docker-bench", at)
    agent.spool.prepare()
    reason = Reason(source="operator", at=at)
    request = Request(scan_id=scan_id, scanner="docker-bench", profile=profile, reason=reason)
    agent.spool.commands.write(scan_id, "request", request)
    return scan_id


def report_of(agent: Agent, profile: str | None = None) -> Report:
    scan_id = ask(agent, profile)
    agent.start("trigger", "scan", "parse")
    until(lambda: agent.reported(scan_id), "a report", 90)
    return agent.report(scan_id)


def containers(docker: Engine) -> str:
    return docker("ps", "--all", "--quiet", "--filter", "label=io.compliance-agent.scan")


def test_the_container_method_gives_a_report(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        report = report_of(agent)
        assert (report.status, report.error) == ("completed", None)
        assert report.profile.name == "CIS Docker"
        assert {(r.rule_ref, r.status) for r in report.results} == {
            ("2.1", "skip"),
            ("2.2", "fail"),
            ("2.4", "pass"),
        }
        assert report.read_from == "JSON"
        manifest = agent.spool.raw.manifest(ScanId(str(report.scan_id)))
        assert "--volume" in manifest.command
        assert "-p" in manifest.command
        assert containers(docker) == ""


def test_only_paths_that_exist_are_mounted_and_the_specifications_arguments_are_there(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        manifest = agent.spool.raw.manifest(ScanId(str(report_of(agent).scan_id)))
        command = list(manifest.command)
        mounts = [word for before, word in pairwise(command) if before == "--volume"]
        assert all(Path(mount.split(":")[0]).exists() for mount in mounts[:-1])
        for pair in (
            ("--net", "host"),
            ("--pid", "host"),
            ("--userns", "host"),
            ("--cap-add", "audit_control"),
        ):
            assert command[command.index(pair[0]) + 1] == pair[1]
        assert "docker_bench_security" in command


def test_the_script_method_gives_the_same_results(docker: Engine, tmp_path: Path) -> None:
    script = write_script(tmp_path, "good")
    with bench(docker, method="script", script_paths=[str(script)]) as agent:
        by_script = report_of(agent)
    with bench(docker, image=docker.bench_image("good")) as agent:
        by_container = report_of(agent)
    assert by_script.results == by_container.results
    assert by_script.status == "completed"


def test_output_that_the_script_did_not_escape_is_read_all_the_same(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("broken")) as agent:
        report = report_of(agent)
        assert report.status == "completed"
        assert {r.rule_ref for r in report.results} == {"2.1", "2.2", "2.3", "2.4"}
        assert report.read_from != "JSON"


@pytest.mark.parametrize(
    ("mode", "words"), [("fails", "exit code 3: no such luck"), ("empty", "wrote neither JSON nor log")]
)
def test_a_container_that_gives_no_checks_is_a_failed_scan(docker: Engine, mode: str, words: str) -> None:
    with bench(docker, image=docker.bench_image(mode)) as agent:
        report = report_of(agent)
        assert report.status == "failed"
        assert words in (report.error or "")


def test_a_container_over_its_time_limit_is_removed(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("hangs"), time_limit_s=10) as agent:
        report = report_of(agent)
        assert report.status == "failed"
        assert "longer than its limit of 10 s" in (report.error or "")
        assert containers(docker) == ""


def test_a_container_that_floods_its_log_is_ended(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("floods"), output_limit_mib=4) as agent:
        report = report_of(agent)
        assert report.status == "failed"
        assert "more than its limit of 4 MiB" in (report.error or "")
        assert containers(docker) == ""


def test_cancelling_removes_the_container(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("hangs")) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(lambda: containers(docker), "a container")
        agent.run("cancel", scan_id)
        until(lambda: agent.reported(scan_id), "a report", 20)
        assert agent.report(scan_id).status == "cancelled"
        assert containers(docker) == ""


def test_the_container_of_a_killed_agent_is_removed_at_the_start(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("hangs")) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan")
        until(lambda: containers(docker), "a container")
        first = containers(docker)
        agent.kill("scan", signal.SIGKILL)
        assert containers(docker) == first
        agent.run("cancel", scan_id)
        agent.start("scan")
        until(lambda: containers(docker) == "", "the container is gone")
        assert "removing a container that a crash left" in agent.log("scan")


def test_a_pull_that_fails_uses_the_present_image_and_says_so(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good"), pull="always") as agent:
        report = report_of(agent)
        assert report.status == "completed"
        assert any("could not be pulled" in warning for warning in report.warnings)


def test_an_image_that_is_nowhere_is_a_failed_scan_that_says_so(docker: Engine) -> None:
    with bench(docker, image="compliance-agent-test/none", pull="missing") as agent:
        assert "is missing and could not be pulled" in (report_of(agent).error or "")
    with bench(docker, image="compliance-agent-test/none", pull="never") as agent:
        assert "docker_bench.pull is never" in (report_of(agent).error or "")


def test_a_daemon_that_is_away_is_a_failed_scan_that_says_why(tmp_path: Path) -> None:
    with bench(socket=str(tmp_path / "none.sock")) as agent:
        assert "the Docker socket is missing" in (report_of(agent).error or "")
    import socket

    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "d.sock"))
    with bench(socket=str(tmp_path / "d.sock")) as agent:
        assert "the Docker daemon is down" in (report_of(agent).error or "")


def test_an_openscap_profile_is_no_profile_of_docker_bench(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        assert "Docker Bench has one profile" in (report_of(agent, "cis_level1_server").error or "")


def test_checks_and_exclusions_reach_the_scanner(docker: Engine) -> None:
    chosen = {
        "checks": ["docker_daemon_configuration", "container_images"],
        "exclude_checks": ["check_2_2"],
        "trusted_users": ["alice"],
        "include": ["web"],
        "exclude": ["test"],
    }
    with bench(docker, image=docker.bench_image("good"), **chosen) as agent:
        command = agent.spool.raw.manifest(ScanId(str(report_of(agent).scan_id))).command
        said = " ".join(command)
        assert "-c docker_daemon_configuration,container_images -e check_2_2 -u alice -i web -x test" in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("checks", ["-x"]),
        ("checks", ["a,b"]),
        ("exclude_checks", ["a b"]),
        ("trusted_users", ["--rm"]),
        ("include", ["-p"]),
        ("image", "--privileged"),
        ("image", "a b"),
    ],
)
def test_values_that_could_be_read_as_options_are_refused(key: str, value: object) -> None:
    with bench(None, **{key: value}) as agent:
        checked = json.loads(agent.run("config", "check", "--json", code=2))
        assert any(f"compliance.docker_bench.{key}" in problem for problem in checked["problems"])


def test_detect_tells_version_and_method(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        detected = json.loads(agent.run("detect", "--json", code=None))["docker_bench"]
        assert detected == {
            "docker_installed": True,
            "docker_version": docker("version", "--format", "{{.Server.Version}}"),
            "docker_bench_method": "container",
        }
