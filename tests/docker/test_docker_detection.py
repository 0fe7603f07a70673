"""Why Docker can't be used: each reason has its own message, with what to do."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.scanners.docker_bench.docker import why_not_reachable
from stages.scanners.docker_bench.docker_bench_detection import find
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.platform import parse_os_release
from tests.docker.engine import Engine, write_script

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

DEBIAN = parse_os_release("ID=debian\nVERSION_ID=12\n")


@pytest.fixture
def listening() -> Iterator[str]:
    """The socket of a daemon that takes connections and says nothing."""
    with tempfile.TemporaryDirectory(prefix="dk") as place, socket.socket(socket.AF_UNIX) as sock:
        Path(place).chmod(0o755)
        sock.bind(f"{place}/d.sock")
        sock.listen(64)
        yield f"{place}/d.sock"


def settings(path: object, **others: object) -> DockerBenchSettings:
    return DockerBenchSettings(socket=str(path), **others)  # type: ignore[arg-type]


def test_docker_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find(settings(tmp_path / "d.sock", enabled=True), DEBIAN)
    assert not found.detection.docker_installed
    assert found.problem == "Docker is not installed: apt-get install -y docker.io"
    # By default a host without Docker lacks nothing.
    assert find(settings(tmp_path / "d.sock"), DEBIAN).problem == "Docker is not installed"


def test_a_socket_that_is_missing(docker_client: None, tmp_path: Path) -> None:
    found = find(settings(tmp_path / "d.sock"), DEBIAN)
    assert found.detection.docker_installed
    assert found.detection.docker_version == ""
    assert "the Docker socket is missing: systemctl start docker" in (found.problem or "")


def test_a_daemon_that_is_down(docker_client: None, listening: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "d.sock"))
    found = find(settings(tmp_path / "d.sock"), DEBIAN)
    assert "the Docker daemon is down: systemctl start docker" in (found.problem or "")


def test_a_socket_for_others(listening: str) -> None:
    Path(listening).chmod(0o600)
    assert why_not_reachable(listening) is None
    reason = as_nobody(lambda: why_not_reachable(listening) or "reachable")
    assert (
        "permission denied: run the scan stage as root, or add its user to the group docker"
        in reason
    )


def test_a_path_that_is_not_a_socket(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path):
        assert f"{path}: is not a socket: move it away and systemctl restart docker" in (
            why_not_reachable(str(path)) or ""
        )


def test_a_daemon_that_hangs_costs_seconds(docker_client: None, listening: str) -> None:
    before = time.monotonic()
    found = find(settings(listening), DEBIAN)
    assert "the Docker daemon does not answer: no answer within 10 s" in (found.problem or "")
    assert time.monotonic() - before < 60


def test_everything_is_well(docker: Engine, tmp_path: Path) -> None:
    image = docker.bench_image("good")
    found = find(settings(docker.socket, image=image), DEBIAN)
    assert found.problem is None
    assert found.detection.docker_version == docker("version", "--format", "{{.Server.Version}}")
    assert found.detection.docker_bench_method == "container"


def test_the_script_is_the_method_where_there_is_no_image(docker: Engine, tmp_path: Path) -> None:
    script = str(write_script(tmp_path, "good"))
    none = {
        "image": "compliance-agent-test/none",
        "script_paths": (str(tmp_path / "no.sh"), script),
    }
    found = find(settings(docker.socket, **none), DEBIAN)
    assert (found.problem, found.detection.docker_bench_method) == (None, "script")
    chosen = find(settings(docker.socket, method="container", **none), DEBIAN)
    assert (chosen.problem, chosen.detection.docker_bench_method) == (None, "container")


def as_nobody(work: "object") -> str:
    """What `work` returns in a child process without privileges."""
    assert callable(work)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writer, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        reason = stream.read()
    os.waitpid(pid, 0)
    return reason
