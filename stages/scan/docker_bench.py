"""Running Docker Bench for Security: in its container, or as the script.

The JSON is written beside the log and not to standard output, so the draft directory is mounted and the log written
there. The container is labelled and named with the scan id: what a killed agent leaves is found and removed.

Security: the image and every argument come from the settings, where what could be read as an option is refused;
nothing of a request reaches the command line.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

from schemas.capabilities import Detected
from schemas.ids import ScanId
from schemas.request import Request
from schemas.settings import DockerBenchSettings
from spool.raw import Output
from stages.scan import docker
from stages.scan.child import End, Limits
from stages.scan.docker import Docker
from stages.scan.outputs import filled
from stages.scan.runner import CannotRun, Plan, Progress, Verdict

PROFILE_ID, PROFILE_TITLE = "docker-bench", "CIS Docker"
_LOG, _JSON = "bench.log", "bench.log.json"
_INSIDE = "/compliance-agent"
_OPTIONAL_MOUNTS = (
    "/etc",
    "/lib/systemd/system",
    "/usr/bin/containerd",
    "/usr/bin/runc",
    "/usr/lib/systemd",
    "/var/lib",
)
_CHECK = re.compile(r"\[(PASS|WARN|INFO|NOTE)\] (\d+(?:\.\d+)+ +- .{1,300})")
_STARTED_NOTHING = 125


class DockerBench:
    """Docker Bench on this host, as detected."""

    def __init__(self, settings: DockerBenchSettings, detected: Detected, client: Docker | None) -> None:
        self._settings = settings
        self._detected = detected
        self._docker = client

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        if self.same_profile(request.profile) is None:
            return CannotRun(f"Docker Bench has one profile, {PROFILE_TITLE}: not {request.profile!r}")
        method = self._detected.capabilities.docker_bench
        if self._docker is None or self._detected.docker_problem or method is None:
            return CannotRun(
                f"Docker Bench was not run: {self._detected.docker_problem or 'Docker is missing'}"
            )
        plan = Plan(
            profile_id=PROFILE_ID,
            profile_title=PROFILE_TITLE,
            command=(),
            limits=Limits(self._settings.time_limit_s, self._settings.output_limit_mib << 20),
            scanner_version=None,
            environment=self._docker.environment,
        )
        if method.docker_bench_method == "script" and self._detected.docker_script:
            return self._script(plan, Path(self._detected.docker_script), draft)
        return self._container(plan, self._docker, request.scan_id, draft)

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        """After the pull: a present image is good enough, and that is told."""
        if end.exit_code == 0:
            return plan
        why = end.last_words or f"docker pull ended with exit code {end.exit_code}"
        if self._docker and self._docker.has_image(self._settings.image):
            warning = (
                f"{self._settings.image} could not be pulled ({why}): the image that is present was used"
            )
            return replace(plan, warnings=(*plan.warnings, warning))
        return CannotRun(f"the image {self._settings.image} is not present and could not be pulled: {why}")

    def same_profile(self, profile: str | None) -> str | None:
        return PROFILE_ID if profile in (None, PROFILE_ID, PROFILE_TITLE) else None

    def progress(self, line: str) -> Progress | None:
        """A line of the log: `[WARN] 2.2 - title`."""
        match = _CHECK.match(line)
        return Progress(match[2], match[1].lower()) if match else None

    def judge(self, end: End, draft: Path) -> Verdict:
        roles = (
            Output("docker-bench-json", _JSON),
            Output("docker-bench-log", _LOG),
            Output("stdout", "stdout.log"),
            Output("stderr", "stderr.log"),
        )
        kept = tuple(output for output in roles if filled(draft / output.name))
        error = _error(end)
        if error is None and not any(output.role.startswith("docker-bench") for output in kept):
            error = "Docker Bench ended as if all were well, but wrote neither JSON nor log"
        return Verdict(kept, error)

    def clean_up(self, scan_id: ScanId) -> None:
        """The client may be gone while its container runs on."""
        if self._docker:
            for container, owner in self._docker.left_containers() or ():
                if owner == scan_id:
                    self._docker.remove(container)

    def _container(self, plan: Plan, client: Docker, scan_id: ScanId, draft: Path) -> Plan:
        settings = self._settings
        present = client.has_image(settings.image)
        pull = settings.pull == "always" or (settings.pull == "missing" and not present)
        mounts = [path for path in _OPTIONAL_MOUNTS if Path(path).exists()]
        trust = os.environ.get("DOCKER_CONTENT_TRUST")
        return replace(
            plan,
            prepare=(client.client, "pull", "--quiet", settings.image) if pull else (),
            command=(
                *(client.client, "run", "--rm", "--pull", "never"),
                *("--net", "host", "--pid", "host", "--userns", "host", "--cap-add", "audit_control"),
                *(("--env", f"DOCKER_CONTENT_TRUST={trust}") if trust else ()),
                *(word for path in mounts for word in ("--volume", f"{path}:{path}:ro")),
                *("--volume", f"{settings.socket}:/var/run/docker.sock:ro"),
                *("--volume", f"{draft}:{_INSIDE}"),
                *("--label", "docker_bench_security", "--label", f"{docker.LABEL}={scan_id}"),
                *("--name", f"compliance-agent-{scan_id}"),
                settings.image,
                *self._arguments(f"{_INSIDE}/{_LOG}"),
            ),
        )

    def _script(self, plan: Plan, script: Path, draft: Path) -> Plan:
        # It reads its parts from its own directory.
        command = ("/bin/sh", str(script), *self._arguments(str(draft / _LOG)))
        return replace(plan, command=command, directory=script.parent)

    def _arguments(self, log: str) -> tuple[str, ...]:
        """No colours, remediations, log and JSON; then what the settings choose."""
        chosen = (
            ("-c", self._settings.checks),
            ("-e", self._settings.exclude_checks),
            ("-u", self._settings.trusted_users),
            ("-i", self._settings.include),
            ("-x", self._settings.exclude),
        )
        lists = tuple(word for option, names in chosen if names for word in (option, ",".join(names)))
        return ("-b", "-p", "-l", log, *lists)


def _error(end: End) -> str | None:
    if end.ended_by:
        return end.ended_by if end.ended_by.startswith("cancelled") else f"Docker Bench {end.ended_by}"
    said = f": {end.last_words}" if end.last_words else ""
    if end.signal is not None:
        return f"Docker Bench was ended by signal {end.signal}{said}"
    if end.exit_code == _STARTED_NOTHING:
        return f"the container could not be started{said}"
    if end.exit_code != 0:
        return f"Docker Bench ended with exit code {end.exit_code}{said}"
    return None
