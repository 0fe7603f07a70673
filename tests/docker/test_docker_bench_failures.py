"""A scan by Docker Bench that comes to nothing is a failed scan with the reason, and leaves no
container.
"""

import socket
from pathlib import Path

import pytest

from tests.docker.engine import Engine, write_script
from tests.docker.scanning import bench, manifest_of, report_of

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@pytest.mark.parametrize("method", ["container", "script"])
@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("fails", "Docker Bench ended with exit code 3: no such luck"),
        ("empty", "wrote neither JSON nor log"),
        ("nochecks", "holds no check"),
        ("links", "wrote neither JSON nor log"),
    ],
)
def test_output_without_checks_is_a_failed_scan(
    docker: Engine, tmp_path: Path, method: str, mode: str, message: str
) -> None:
    script = str(write_script(tmp_path, mode))
    with bench(
        docker, image=docker.bench_image(mode), method=method, script_paths=[script]
    ) as agent:
        report = report_of(agent)
        assert report.status == "failed"
        assert message in (report.error or "")
        assert report.results == ()


def test_a_container_that_can_not_start_is_a_failed_scan_with_dockers_own_reason(
    docker: Engine,
) -> None:
    name = "compliance-agent-test/unstartable"
    docker("import", "--change", 'ENTRYPOINT ["/no/such/program"]', "-", name, stdin=b"\0" * 10240)
    with bench(docker, image=name) as agent:
        error = report_of(agent).error or ""
        assert error.startswith("the container could not be started: ")
        assert "/no/such/program" in error
        assert docker.scans == []


def test_a_container_over_its_time_limit_is_removed(docker: Engine) -> None:
    with bench(docker, image=docker.bench_image("hangs"), time_limit_s=10) as agent:
        report = report_of(agent)
        assert report.status == "failed"
        assert "longer than its limit of 10 s" in (report.error or "")
        assert docker.scans == []
        assert "docker-bench-log" in {file.role for file in manifest_of(agent, report).files}


@pytest.mark.parametrize("method", ["container", "script"])
@pytest.mark.parametrize("mode", ["floods", "chatters", "buries"])
def test_a_flood_is_ended(docker: Engine, tmp_path: Path, method: str, mode: str) -> None:
    script, image = str(write_script(tmp_path, mode)), docker.bench_image(mode)
    with bench(
        docker, method=method, image=image, script_paths=[script], output_limit_mib=16
    ) as agent:
        report = report_of(agent)
        assert report.status == "failed"
        assert "more than its limit of 16 MiB" in (report.error or "")
        assert docker.scans == []


def test_a_daemon_that_is_away_is_a_failed_scan_that_says_why(
    tmp_path: Path, docker_client: None
) -> None:
    where = tmp_path / "d.sock"
    with bench(socket=str(where)) as agent:
        assert f"{where}: the Docker socket is missing" in (report_of(agent).error or "")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(where))
        assert f"{where}: the Docker daemon is down" in (report_of(agent).error or "")


def test_a_daemon_that_came_back_is_used_at_once(docker: Engine, tmp_path: Path) -> None:
    where = tmp_path / "d.sock"
    with bench(socket=str(where), image=docker.bench_image("good")) as agent:
        assert report_of(agent).status == "failed"
        where.symlink_to(docker.socket)
        assert report_of(agent).status == "completed"


def test_an_image_that_is_nowhere_is_a_failed_scan_that_says_so(docker: Engine) -> None:
    with bench(docker, image="compliance-agent-test/none") as agent:
        assert "compliance.docker_bench.pull is never" in (report_of(agent).error or "")


def test_a_script_that_is_nowhere_is_a_failed_scan_that_says_so(docker: Engine) -> None:
    with bench(docker, method="script", script_paths=["/no/such/script.sh"]) as agent:
        assert "no Docker Bench script in /no/such/script.sh or on PATH" in (
            report_of(agent).error or ""
        )


def test_a_script_that_others_can_write_is_never_run(docker: Engine, tmp_path: Path) -> None:
    script = write_script(tmp_path, "good")
    script.chmod(0o777)
    with bench(docker, method="script", script_paths=[str(script)]) as agent:
        assert f"chmod go-w {script}" in agent.run("detect", code=None)
        report = report_of(agent)
        assert report.status == "failed"
        assert f"lets other users write what is run as root: chmod go-w {script}" in (
            report.error or ""
        )
        script.chmod(0o755)
        assert report_of(agent).status == "completed"
