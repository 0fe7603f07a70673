"""Docker Bench through the real scan and parse stages, against a real engine."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from spool.spool import Spool
from tests.docker.engine import Engine, write_script
from tests.docker.scanning import bench, manifest_of, raw_text, report_of, values
from tests.pipeline.agent import an_agent, until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

GOOD = {"2.1": "warn", "2.2": "fail", "2.4": "pass", "2.7": "skip"}


def test_the_container_gives_a_report(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        report = report_of(agent)
        assert (report.status, report.error) == ("completed", None)
        assert (report.profile.name, report.profile.version) == ("CIS Docker", "1.6.0")
        assert {r.rule_ref: r.status for r in report.results} == GOOD
        assert report.results[1].remediation == "Correct 2.2."
        assert report.read_from == "JSON"
        assert report.warnings == ()
        assert {file.role for file in manifest_of(agent, report).files} >= {
            "docker-bench-json",
            "docker-bench-log",
        }
        assert docker.scans == []


def test_the_specifications_arguments_are_there_and_only_paths_that_exist_are_mounted(
    docker: Engine,
) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        report = report_of(agent)
        command = manifest_of(agent, report).command
    said = " ".join(command)
    assert "--net host --pid host --userns host --cap-add audit_control" in said
    assert "docker_bench_security" in values(command, "--label")
    *mounts, socket = values(command, "--volume")
    assert socket == f"{docker.socket}:/var/run/docker.sock:ro"
    assert "/etc:/etc:ro" in mounts
    for mount in mounts:
        source, target, mode = mount.split(":")
        assert source == target
        assert mode == "ro"
        assert Path(source).exists()
    for path in (
        "/usr/bin/containerd",
        "/usr/bin/runc",
        "/lib/systemd/system",
        "/usr/lib/systemd",
        "/var/lib",
    ):
        assert (f"{path}:{path}:ro" in mounts) == Path(path).exists()
    assert f"io.compliance-agent.scan={report.scan_id}" in values(command, "--label")


def test_the_script_gives_the_same_results(docker: Engine, tmp_path: Path) -> None:
    script = write_script(tmp_path, "good")
    with bench(docker, method="script", script_paths=[str(script)]) as agent:
        by_script = report_of(agent)
        assert str(script) in manifest_of(agent, by_script).command
    with bench(docker, image=docker.bench_image("good")) as agent:
        by_container = report_of(agent)
    assert by_script.status == "completed"
    assert by_script.results == by_container.results
    assert by_script.summary == by_container.summary


def test_a_script_is_found_on_path_and_started_beside_its_parts(
    docker: Engine, tmp_path: Path
) -> None:
    write_script(tmp_path / "parts", "good").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker-bench-security.sh").symlink_to(
        tmp_path / "parts/docker-bench-security.sh"
    )
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    with bench(docker, path, script_paths=[], image="compliance-agent-test/none") as agent:
        detected = json.loads(agent.run("detect", "--json", code=None))["docker_bench"]
        assert detected["docker_bench_method"] == "script"
        assert report_of(agent).status == "completed"


def test_the_image_goes_before_the_script_where_it_is_present(
    docker: Engine, tmp_path: Path
) -> None:
    script = write_script(tmp_path, "fails")
    with bench(docker, image=docker.bench_image("good"), script_paths=[str(script)]) as agent:
        assert report_of(agent).status == "completed"


def test_output_that_the_script_did_not_escape_is_read_all_the_same(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("broken")) as agent:
        report = report_of(agent)
        assert report.status == "completed"
        assert {r.rule_ref for r in report.results} == {*GOOD, "2.3"}
        assert report.read_from != "JSON"


def test_an_old_docker_bench_is_run_without_remediations_and_that_is_a_warning(
    docker: Engine,
) -> None:
    with bench(docker, image=docker.bench_image("old")) as agent:
        report = report_of(agent)
        assert {r.rule_ref: r.status for r in report.results} == GOOD
        assert report.profile.version == "1.3.4"
        assert "too old to print remediations" in report.warnings[0]
        assert "-p" not in manifest_of(agent, report).command


def test_a_trust_setting_is_passed_on_only_where_there_is_one(
    docker: Engine, tmp_path: Path
) -> None:
    script = str(write_script(tmp_path, "good"))
    image = docker.bench_image("good")
    for environment, expected in (({"DOCKER_CONTENT_TRUST": "1"}, "1"), ({}, "not set")):
        for method in ("container", "script"):
            with bench(
                docker, environment, method=method, image=image, script_paths=[script]
            ) as agent:
                log = raw_text(agent, manifest_of(agent, report_of(agent)), "docker-bench-log")
                assert f"# trust: {expected}\n" in log, method


def test_a_spool_path_with_signs_that_mean_something_to_docker_is_fine(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        spool = Spool(agent.home / 'sp,"o:l')
        agent.settings["spool"]["path"] = str(spool.root)
        agent.configure()
        agent.start("trigger", "scan", "parse")
        agent.run("scan", "--scanner", "docker-bench")
        until(lambda: spool.reports.ids(), "a report")
        (scan_id,) = spool.reports.ids()
        assert spool.reports.read(scan_id).status == "completed"


def test_a_profile_of_openscap_is_not_a_profile_of_docker_bench(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        assert "Docker Bench has one profile" in (report_of(agent, "cis_level1_server").error or "")
        assert report_of(agent, "CIS Docker").status == "completed"
        assert report_of(agent, "docker-bench").status == "completed"


def test_checks_and_exclusions_reach_the_scanner(docker: Engine) -> None:
    chosen: dict[str, Any] = {
        "checks": ["docker_daemon_configuration", "container_images"],
        "exclude_checks": ["check_2_2"],
        "trusted_users": ["alice"],
        "include": ["web"],
        "exclude": ["test"],
    }
    with bench(docker, image=docker.bench_image("good"), **chosen) as agent:
        log = raw_text(agent, manifest_of(agent, report_of(agent)), "docker-bench-log")
    message = "-c docker_daemon_configuration,container_images -e check_2_2 -u alice -i web -x test"
    assert f"{message}\n" in log.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("checks", ["-x"]),
        ("checks", ["a,b"]),
        ("checks", ["check_2_2\n"]),
        ("exclude_checks", ["a b"]),
        ("exclude_checks", [""]),
        ("trusted_users", ["--rm"]),
        ("trusted_users", ["a,b"]),
        ("include", ["-p"]),
        ("exclude", ["a b"]),
        ("image", "--privileged"),
        ("image", "a b"),
        ("image", ""),
        ("socket", "/x:/etc"),
        ("socket", "docker.sock"),
        ("script_paths", ["-c"]),
        ("pull", "sometimes"),
        ("method", "image"),
    ],
)
def test_values_that_could_be_read_as_options_are_refused(key: str, value: object) -> None:
    wrong: dict[str, Any] = {key: value}
    with bench(**wrong) as agent:
        checked = json.loads(agent.run("config", "check", "--json", code=2))
        assert any(
            f"compliance.docker_bench.{key}" in problem["key"] for problem in checked["problems"]
        )


def test_detect_reports_version_and_method(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("good")) as agent:
        detected = json.loads(agent.run("detect", "--json", code=None))["docker_bench"]
        assert detected == {
            "docker_installed": True,
            "docker_version": docker("version", "--format", "{{.Server.Version}}"),
            "docker_bench_method": "container",
        }


@pytest.mark.oscap
def test_openscap_goes_on_where_docker_is_away(tmp_path: Path) -> None:
    with an_agent() as agent:
        agent.settings["compliance"]["docker_bench"] = {"socket": str(tmp_path / "none.sock")}
        agent.configure()
        bench_scan = report_of(agent)
        openscap = agent.ask()
        until(lambda: agent.reported(openscap), "the report of OpenSCAP")
        reason = "socket is missing"
        if shutil.which("docker") is None:
            reason = "not installed"
        assert reason in (bench_scan.error or "")
        assert agent.report(openscap).status == "completed"
