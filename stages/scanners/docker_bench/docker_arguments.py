"""The command lines of Docker Bench: of its container, and of the script. Pure.

Security: image and choices come from the settings, which refuse a text that could be read as an
option; no text of a request is on a command line.
"""

from collections.abc import Iterable
from pathlib import Path

from schemas.ids import ScanId
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings

SCAN_LABEL = "io.compliance-agent.scan"
SPOOL_LABEL = "io.compliance-agent.spool"
"""The spool of the agent that scans: other agents on this host leave the container alone."""
LOG, JSON = "bench.log", "bench.log.json"
TRUST = "DOCKER_CONTENT_TRUST"
REMEDIATIONS = "-p"
OPTIONAL_MOUNTS = (
    "/etc",
    "/lib/systemd/system",
    "/usr/bin/containerd",
    "/usr/bin/runc",
    "/usr/lib/systemd",
    "/var/lib",
)
"""Only those that exist are mounted: Docker would create a missing one as a directory."""
_INSIDE = "/compliance-agent"
_SOCKET_INSIDE = "/var/run/docker.sock"


def container_arguments(
    settings: DockerBenchSettings,
    scan_id: ScanId,
    draft: Path,
    mounts: Iterable[str],
    trust: str | None,
) -> tuple[str, ...]:
    """The arguments of `docker`.

    `trust` is this process's own DOCKER_CONTENT_TRUST, which one check looks at.
    """
    environment: tuple[str, ...] = ()
    if trust:
        environment = ("--env", f"{TRUST}={trust}")
    volumes: list[str] = []
    for path in mounts:
        volumes += ("--volume", f"{path}:{path}:ro")
    # Twice the limit: a file in the container can't fill the disk between two checks of the limit.
    largest = settings.output_limit_mib << 21
    return (
        *("run", "--rm", "--pull", "never"),
        *("--net", "host", "--pid", "host", "--userns", "host", "--cap-add", "audit_control"),
        *environment,
        *volumes,
        *("--volume", f"{settings.socket}:{_SOCKET_INSIDE}:ro"),
        *("--mount", f'type=bind,"source={_quoted(draft)}",target={_INSIDE}'),
        *("--ulimit", f"fsize={largest}"),
        *("--label", "docker_bench_security", "--label", f"{SCAN_LABEL}={scan_id}"),
        *("--label", f"{SPOOL_LABEL}={draft.parent}"),
        *("--name", f"compliance-agent-{scan_id}"),
        settings.image,
        *script_arguments(settings, Path(_INSIDE)),
    )


def script_arguments(settings: DockerBenchSettings, directory: Path) -> tuple[str, ...]:
    """The arguments of Docker Bench itself: no colours, with remediations, log and JSON in this
    directory; then the choices of the settings."""
    choices = (
        ("-c", settings.checks),
        ("-e", settings.exclude_checks),
        ("-u", settings.trusted_users),
        ("-i", settings.include),
        ("-x", settings.exclude),
    )
    arguments = ["-b", REMEDIATIONS, "-l", str(directory / LOG)]
    for option, names in choices:
        if names:
            arguments += (option, ",".join(names))
    return tuple(arguments)


def _quoted(path: Path) -> str:
    """The path within quotes: the options of a mount are fields of CSV."""
    return str(path).replace('"', '""')
