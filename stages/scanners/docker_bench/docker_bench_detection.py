"""Whether this host has what Docker Bench needs: client, daemon, image or script."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from schemas.capabilities import DetectedScanner
from schemas.codec import plain
from schemas.records import Struct
from stages.scanners.docker_bench import docker, trust
from stages.scanners.docker_bench.docker import Daemon, NoDaemon
from stages.scanners.docker_bench.docker_bench_capability import DockerBenchDetection
from stages.scanners.docker_bench.docker_bench_packages import install_docker
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.platform import Platform
from stages.scanners.spec import DetectionResult

Method = Literal["container", "script"]
_SCRIPTS = ("docker-bench-security.sh", "docker-bench-security")


class Found(Struct, frozen=True):
    """Docker Bench on this host."""

    detection: DockerBenchDetection
    problem: str | None
    """Why it can't run, with what to do; None where it can."""
    script: Path | None = None
    """The script to run; None where the container is."""
    image_present: bool = False
    warnings: tuple[str, ...] = ()


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
    is_installed = found.detection.docker_installed
    if settings.enabled == "auto" and not Path(settings.socket).exists():
        # A client without a daemon of this host: there is nothing to scan.
        is_installed = False
    return DetectionResult(
        DetectedScanner(
            installed=is_installed,
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
        missing = "Docker is not installed"
        if settings.enabled != "auto":
            missing = f"{missing}: {install_docker(platform)}"
        return Found(DockerBenchDetection(docker_installed=False), missing)
    script = find_script(settings)
    daemon = client.daemon()
    if isinstance(daemon, NoDaemon):
        method = _method(settings, script, has_image=False)
        detection = DockerBenchDetection(docker_installed=True, docker_bench_method=method)
        return Found(detection, daemon.reason)
    has_image = client.has_image(settings.image)
    method = _method(settings, script, has_image=has_image)
    detection = DockerBenchDetection(
        docker_installed=True, docker_version=daemon.version, docker_bench_method=method
    )
    warnings = _warnings(settings, daemon)
    if method == "container":
        problem = _why_no_container(settings, has_image=has_image)
        return Found(detection, problem, image_present=has_image, warnings=warnings)
    return Found(detection, _why_no_script(settings, script), script, warnings=warnings)


def working_directory(script: Path) -> Path | None:
    """The directory in which the script has to be started, because it reads its parts from there.

    None for a script without parts.
    """
    is_on_path = str(script.parent) in os.environ.get("PATH", os.defpath).split(":")
    if is_on_path and not (script.parent / "tests").is_dir():
        return None
    return script.parent


def _warnings(settings: DockerBenchSettings, daemon: Daemon) -> tuple[str, ...]:
    if not daemon.is_podman:
        return ()
    warning = (
        f"{settings.socket} is the socket of {daemon.version}, not of Docker: checks of the "
        "Docker daemon, its files and its units (sections 1 to 3) do not apply"
    )
    return (warning,)


def _why_no_container(settings: DockerBenchSettings, *, has_image: bool) -> str | None:
    """Why the container can't run, with what to do; None where it can."""
    if has_image or settings.pull != "never":
        return None
    return (
        f"the image {settings.image} is missing, and compliance.docker_bench.pull is never: load it"
    )


def _why_no_script(settings: DockerBenchSettings, script: Path | None) -> str | None:
    """Why the script can't run, with what to do; None where it can."""
    if script is None:
        places = ", ".join(settings.script_paths)
        return (
            f"no Docker Bench script in {places} or on PATH: "
            "set compliance.docker_bench.script_paths"
        )
    return trust.why_not_trusted(script, with_parts=working_directory(script) is not None)


def _method(settings: DockerBenchSettings, script: Path | None, *, has_image: bool) -> Method:
    if settings.method != "auto":
        return settings.method
    if script and not has_image:
        return "script"
    return "container"


def find_script(settings: DockerBenchSettings) -> Path | None:
    """The real path of the script, which reads its parts from the directory that it is in."""
    on_path = (shutil.which(name) for name in _SCRIPTS)
    for place in filter(None, (*settings.script_paths, *on_path)):
        if Path(place).is_file():
            return Path(place).resolve()
    return None
