"""The `ScannerSpec` of Docker Bench for Security."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from schemas.capabilities import DetectedScanner
from schemas.manifest import Role
from schemas.report import Report
from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.scanners.docker_bench.docker_bench_capability import DockerBenchDetection
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.spec import DetectionResult, ScannerOutput, ScannerSpec, UnreadableError

if TYPE_CHECKING:
    from stages.scanners.platform import Platform
    from stages.scanners.runner import Runner

_JSON, _LOG = "docker-bench-json", "docker-bench-log"
_PROFILE = "CIS Docker"
_MAX_BYTES = 64 * 1024 * 1024


def _surroundings(settings: Settings) -> Iterable[str | None]:
    from stages.scanners.docker_bench import docker_bench_detection

    return docker_bench_detection.surroundings(settings.compliance.section(DockerBenchSettings))


def _detect(
    settings: Settings,
    platform: "Platform",
    cache: Mapping[str, Any],  # noqa: ARG001
) -> DetectionResult:
    from stages.scanners.docker_bench import docker_bench_detection

    return docker_bench_detection.detect(settings.compliance.section(DockerBenchSettings), platform)


def _runner(
    settings: Settings,
    detected: DetectedScanner | None,  # noqa: ARG001
) -> "Runner":
    """A daemon comes and goes without a trace in the file system: the runner detects anew for each
    scan."""
    from stages.scanners.docker_bench.docker_bench_run import DockerBench
    from stages.scanners.host import this_platform

    return DockerBench(settings.compliance.section(DockerBenchSettings), this_platform())


def _problems(settings: Settings) -> Iterable[KeyProblem]:
    from stages.scanners.docker_bench import check_names, docker_bench_detection

    section = settings.compliance.section(DockerBenchSettings)
    script = docker_bench_detection.find_script(section)
    if script is None:
        return ()
    return check_names.unknown_names(section, script)


def _role_of(head: bytes) -> Role | None:
    from stages.scanners.docker_bench.reading import is_docker_bench_log, looks_like_docker_bench

    if not looks_like_docker_bench(head):
        return None
    if is_docker_bench_log(head):
        return _LOG
    return _JSON


def _read(output: ScannerOutput, settings: Settings) -> Report:  # noqa: ARG001
    from spool.packing import PackingError
    from stages.scanners.docker_bench.reading import DockerBenchError, read_docker_bench

    try:
        return read_docker_bench(
            output.whole(_JSON, _MAX_BYTES),
            output.whole(_LOG, _MAX_BYTES),
            at=output.started_at,
            ended=output.completed_at,
            log_may_hold_several=not output.is_own_run,
            zone=output.time_zone,
        )
    except (DockerBenchError, PackingError) as error:
        raise UnreadableError(str(error)) from error


DOCKER_BENCH = ScannerSpec(
    key="docker-bench",
    section="docker_bench",
    title="Docker Bench",
    settings=DockerBenchSettings,
    capability=DockerBenchDetection,
    generic_profile="Docker Bench Security",
    default_profile=_PROFILE,
    roles={_JSON: "JSON of Docker Bench", _LOG: "text log of Docker Bench"},
    surroundings=_surroundings,
    detect=_detect,
    runner=_runner,
    role_of=_role_of,
    read=_read,
    problems=_problems,
    reader_modules=("stages.scanners.docker_bench.reading",),
    profile_names=frozenset({"docker-bench", _PROFILE}),
)
