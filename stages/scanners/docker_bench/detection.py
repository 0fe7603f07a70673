"""What Docker Bench needs, and what of it this host has."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.capabilities import DetectedScanner
from schemas.codec import plain
from stages.scanners.docker_bench import docker, trust
from stages.scanners.docker_bench.capability import DockerBenchDetection
from stages.scanners.docker_bench.docker import Docker
from stages.scanners.docker_bench.packages import install_docker
from stages.scanners.docker_bench.settings import DockerBenchSettings
from stages.scanners.platform import Platform
from stages.scanners.spec import DetectionResult

_SCRIPTS = ("docker-bench-security.sh", "docker-bench-security")


@dataclass(frozen=True)
class Found:
    """Docker Bench on this host."""

    detection: DockerBenchDetection
    problem: str | None
    """Why it can't run, with what to do; None where it can."""
    client: Docker | None = None
    script: Path | None = None
    image_present: bool = False


def surroundings(settings: DockerBenchSettings) -> Iterator[str | None]:
    """The client, the daemon's socket, and the script."""
    yield shutil.which("docker")
    yield settings.socket
    yield from settings.script_paths


def detect(settings: DockerBenchSettings, platform: Platform) -> DetectionResult:
    """Look at this host, for the other stages."""
    found = find(settings, platform)
    problems: tuple[str, ...] = ()
    if found.problem:
        problems = (found.problem,)
    return DetectionResult(
        DetectedScanner(
            installed=found.detection.docker_installed,
            ready=found.problem is None,
            version=found.detection.docker_version or None,
            problems=problems,
            specified=plain(found.detection),
        )
    )


def find(settings: DockerBenchSettings, platform: Platform) -> Found:
    """Look now. A daemon that hangs costs seconds."""
    client = docker.client(settings.socket)
    if client is None:
        missing = f"Docker is not installed: {install_docker(platform)}"
        return Found(DockerBenchDetection(docker_installed=False), missing)
    problem, version = _daemon(client)
    present = problem is None and client.has_image(settings.image)
    script = _script(settings)
    method = _method(settings, present, script)
    detection = DockerBenchDetection(
        docker_installed=True, docker_version=version, docker_bench_method=method
    )
    problem = problem or _missing(settings, method, present, script)
    return Found(detection, problem, client, script, present)


def parts(script: Path) -> Path | None:
    """Where the script must be started: it reads its parts from there. One without parts leaves nothing there."""
    on_path = str(script.parent) in os.environ.get("PATH", os.defpath).split(":")
    return None if on_path and not (script.parent / "tests").is_dir() else script.parent


def _daemon(client: Docker) -> tuple[str | None, str]:
    """Why the daemon can't be used, and its version."""
    if problem := docker.why_not_reachable(client.socket):
        return problem, ""
    answer = client.version()
    if answer.text:
        return None, answer.text
    message = f"the Docker daemon does not answer: {answer.trouble}: systemctl restart docker"
    return f"{client.socket}: {message}", ""


def _missing(
    settings: DockerBenchSettings,
    method: Literal["container", "script"],
    present: bool,
    script: Path | None,
) -> str | None:
    if method == "script" and script is None:
        places = ", ".join(settings.script_paths)
        return f"no Docker Bench script in {places} or on PATH: set compliance.docker_bench.script_paths"
    if method == "script" and script:
        return trust.why_not_trusted(script, with_parts=parts(script) is not None)
    if method == "container" and not present and settings.pull == "never":
        return f"the image {settings.image} is missing, and compliance.docker_bench.pull is never: load it"
    return None


def _method(
    settings: DockerBenchSettings, present: bool, script: Path | None
) -> Literal["container", "script"]:
    if settings.method != "auto":
        return settings.method
    return "script" if script and not present else "container"


def _script(settings: DockerBenchSettings) -> Path | None:
    """Its real place: it reads its parts from beside itself."""
    places = (*settings.script_paths, *(shutil.which(name) for name in _SCRIPTS))
    return next(
        (Path(place).resolve() for place in places if place and Path(place).is_file()), None
    )
