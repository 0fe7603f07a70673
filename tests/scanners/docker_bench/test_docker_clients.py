"""Clients that the daemon refuses, names that an image does not know, and Podman in Docker's place.

A program in place of `docker` answers as the real one was seen to.
"""

import os
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from spool.errors import MachineError
from stages.scanners.child import End
from stages.scanners.docker_bench import docker
from stages.scanners.docker_bench.docker_bench_run import DockerBench
from stages.scanners.docker_bench.docker_bench_settings import DEFAULT_IMAGE, DockerBenchSettings
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import Plan
from tests.limits import no_file_handles

AT = datetime(2026, 11, 26, tzinfo=UTC)
TOO_OLD = (
    "Error response from daemon: client version 1.38 is too old. Minimum supported API version is "
    "1.44, please upgrade your client to a newer version"
)
TOO_NEW = (
    "Error response from daemon: client is newer than server (client API version: 1.50, "
    "server API version: 1.43)"
)
OLD_IMAGE = "docker/docker-bench-security"
HIDDEN = "Error connecting to docker daemon (does docker ps work?)"
SCRIPT = "check_4_1() {\\n  :\\n}\\ncontainer_images() {\\n  :\\n}\\n"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with a daemon's socket, first on PATH."""
    with tempfile.TemporaryDirectory(prefix="dk") as name, socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{name}/d.sock")
        sock.listen(8)
        monkeypatch.setenv("PATH", f"{name}:{os.environ['PATH']}")
        yield Path(name)


def client(
    place: Path, *, server: str = "28.0.1 Engine containerd runc", refuses: str = ""
) -> None:
    program = place / "docker"
    refusal = "true"
    if refuses:
        refusal = f"echo '{refuses}' >&2; exit 1"
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f"version*) echo '{server}';;\n"
        f"*--entrypoint\\ docker*) {refusal};;\n"
        f"*--entrypoint\\ sh*) printf '{SCRIPT}';;\n"
        "esac\n"
    )
    program.chmod(0o755)


def bench(place: Path, **settings: object) -> DockerBench:
    chosen = DockerBenchSettings(socket=f"{place}/d.sock", **settings)  # type: ignore[arg-type]
    return DockerBench(chosen, parse_os_release("ID=debian"))


def planned(runner: DockerBench, draft: Path) -> Plan:
    scan_id = new_scan_id("docker-bench", AT)
    reason = Reason(source="operator", at=AT)
    plan = runner.plan(Request(scan_id=scan_id, scanner="docker-bench", reason=reason), draft)
    assert isinstance(plan, Plan), plan
    return plan


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (TOO_OLD, "speaks API 1.38, the daemon at least 1.44: "),
        (TOO_NEW, "speaks API 1.50, the daemon at most 1.43: "),
    ],
)
def test_a_client_in_the_image_that_is_refused_is_named_with_both_versions_and_another_image(
    place: Path, tmp_path: Path, refusal: str, message: str
) -> None:
    client(place, refuses=refusal)
    runner = bench(place, image=OLD_IMAGE, method="container")
    (tmp_path / "stdout.log").write_text(f"{HIDDEN}\n")
    error = runner.judge(End(1, None, None, HIDDEN), tmp_path).error or ""
    assert error.startswith(f"the client in the image {OLD_IMAGE} {message}")
    assert error.endswith(f"to another image, like {DEFAULT_IMAGE}")


def test_a_refusal_that_is_printed_fails_a_scan_that_reports_success(
    place: Path, tmp_path: Path
) -> None:
    client(place)
    runner = bench(place, image=DEFAULT_IMAGE)
    (tmp_path / "bench.log").write_text("[PASS] 1.1.1 - a\n")
    (tmp_path / "stderr.log").write_text(f"{TOO_OLD}\n" * 3)
    error = runner.judge(End(0, None, None, ""), tmp_path).error or ""
    assert "speaks API 1.38" in error
    assert f"docker pull {DEFAULT_IMAGE}" in error


def test_another_failure_is_not_a_refusal(place: Path, tmp_path: Path) -> None:
    client(place)
    (tmp_path / "stdout.log").write_text(f"{HIDDEN}\n")
    error = bench(place).judge(End(1, None, None, HIDDEN), tmp_path).error or ""
    assert error == f"Docker Bench ended with exit code 1: {HIDDEN}"


def test_names_that_the_script_in_the_image_does_not_know_are_warnings(
    place: Path, tmp_path: Path
) -> None:
    client(place)
    runner = bench(
        place,
        image=OLD_IMAGE,
        checks=("check_4_1", "container_imagse"),
        exclude_checks=("check_4_11",),
    )
    (tmp_path / "bench.log").write_text("[PASS] 4.1 - a\n")
    assert runner.judge(End(0, None, None, ""), tmp_path).warnings == (
        f"compliance.docker_bench.checks: the image {OLD_IMAGE} has no container_imagse",
        f"compliance.docker_bench.exclude_checks: the image {OLD_IMAGE} has no check_4_11",
    )


@pytest.mark.slow
def test_podman_in_dockers_place_is_named_with_what_does_not_apply(
    place: Path, tmp_path: Path
) -> None:
    client(place, server="4.3.1 Podman Engine Conmon OCI Runtime (crun)")
    found = docker.client(f"{place}/d.sock")
    assert found is not None
    assert found.daemon() == docker.Daemon("4.3.1", is_podman=True)
    (warning,) = planned(bench(place), tmp_path).warnings
    assert warning == (
        f"{place}/d.sock is the socket of Podman 4.3.1, not of Docker: checks of the Docker "
        "daemon, its files and its units (sections 1 to 3) do not apply"
    )


@pytest.mark.slow
def test_docker_itself_is_not_a_warning(place: Path, tmp_path: Path) -> None:
    client(place)
    assert planned(bench(place), tmp_path).warnings == ()


def test_lines_about_a_missing_daemon_are_counted(place: Path, tmp_path: Path) -> None:
    client(place)
    line = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
    (tmp_path / "bench.log").write_text("[PASS] 1.1.1 - a\n")
    (tmp_path / "stderr.log").write_text(f"{line}\n" * 58)
    error = bench(place).judge(End(0, None, None, ""), tmp_path).error
    assert error == (
        f"the Docker daemon went away during the scan: {line} (58 such lines): scan again"
    )


def test_without_file_handles_nothing_is_wrong_with_the_daemon(place: Path) -> None:
    with no_file_handles(), pytest.raises(MachineError, match="Too many open files"):
        docker.why_not_reachable(str(place / "d.sock"))
    assert docker.why_not_reachable(str(place / "d.sock")) is None
