"""The command lines of Docker Bench: of its container, and of the script. Pure.

Security: image and choices come from the settings, where what could be read as an option is
refused; nothing of a request is on a command line.
"""

from collections.abc import Iterable
from pathlib import Path

from schemas.ids import ScanId
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings

SCAN_LABEL = "io.compliance-agent.scan"
SPOOL_LABEL = "io.compliance-agent.spool"
"""Whose scan it is: another agent on this host leaves its containers alone."""
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
"""Docker would make a missing one, as a directory: only those that exist are mounted."""
_INSIDE = "/compliance-agent"
_SOCKET_INSIDE = "/var/run/docker.sock"


def container(
    settings: DockerBenchSettings,
    scan_id: ScanId,
    draft: Path,
    mounts: Iterable[str],
    trust: str | None,
) -> tuple[str, ...]:
    """The arguments of `docker`.

    `trust` is this process's own DOCKER_CONTENT_TRUST, which one check looks at.
    """
    # A file of the container's can't outgrow the disk between two looks at what was written.
    largest = settings.output_limit_mib << 21
    return (
        *("run", "--rm", "--pull", "never"),
        *("--net", "host", "--pid", "host", "--userns", "host", "--cap-add", "audit_control"),
        *(("--env", f"{TRUST}={trust}") if trust else ()),
        *(word for path in mounts for word in ("--volume", f"{path}:{path}:ro")),
        *("--volume", f"{settings.socket}:{_SOCKET_INSIDE}:ro"),
        *("--mount", f'type=bind,"source={_quoted(draft)}",target={_INSIDE}'),
        *("--ulimit", f"fsize={largest}"),
        *("--label", "docker_bench_security", "--label", f"{SCAN_LABEL}={scan_id}"),
        *("--label", f"{SPOOL_LABEL}={draft.parent}"),
        *("--name", f"compliance-agent-{scan_id}"),
        settings.image,
        *scanner(settings, Path(_INSIDE)),
    )


def scanner(settings: DockerBenchSettings, directory: Path) -> tuple[str, ...]:
    """The arguments of Docker Bench itself: no colours, remediations, log and JSON; then what the
    settings choose."""
    chosen = (
        ("-c", settings.checks),
        ("-e", settings.exclude_checks),
        ("-u", settings.trusted_users),
        ("-i", settings.include),
        ("-x", settings.exclude),
    )
    lists = tuple(word for option, names in chosen if names for word in (option, ",".join(names)))
    return ("-b", REMEDIATIONS, "-l", str(directory / LOG), *lists)


def _quoted(path: Path) -> str:
    """As a field of CSV, which a mount's options are."""
    return str(path).replace('"', '""')
