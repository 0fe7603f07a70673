"""Running Docker Bench for Security: in its container, or as the script.

The JSON is written beside the log and not to standard output, so the draft directory is mounted and
the log written there. The container is named and labelled with the scan id, so that the next start
finds and removes those of a killed agent. It is outside this process's control group and limits;
its time and its output are limited all the same.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from schemas.codec import replace
from schemas.ids import ScanId
from schemas.request import Request
from spool.raw import Output
from stages.scanners.captured_output import Line
from stages.scanners.child import ChildLimits, End
from stages.scanners.docker_bench import (
    check_names,
    docker,
    docker_arguments,
    docker_bench_detection,
    printed_trouble,
)
from stages.scanners.docker_bench.daemon_watch import DaemonWatch
from stages.scanners.docker_bench.docker import Docker
from stages.scanners.docker_bench.docker_arguments import (
    JSON,
    LOG,
    OPTIONAL_MOUNTS,
    REMEDIATIONS,
    SCAN_LABEL,
    SPOOL_LABEL,
    TRUST,
)
from stages.scanners.docker_bench.docker_bench_detection import Found
from stages.scanners.docker_bench.docker_bench_settings import DEFAULT_IMAGE, DockerBenchSettings
from stages.scanners.outputs import filled
from stages.scanners.platform import Platform
from stages.scanners.runner import CannotRun, Leftover, Plan, Progress, Verdict, error_of_end

PROFILE_ID, PROFILE_TITLE = "docker-bench", "CIS Docker"
_CHECK = re.compile(
    r"(?!\[INFO\] .{1,300}Configuration$)"
    r"\[(PASS|WARN|INFO|NOTE)\] ((?:\d{1,4}|[A-Za-z])(?:\.\d{1,4}){1,6} - .{1,300})"
)
"""A line of a check; a sub-header ends with `Configuration`."""
_REMEDIATIONS_REFUSED = re.compile(rf"illegal option (?:-- )?-?{REMEDIATIONS[1:]}\b", re.IGNORECASE)
_COMPLETED = (0,)
_OUTPUTS = (
    Output("docker-bench-json", JSON),
    Output("docker-bench-log", LOG),
    Output("stdout", "stdout.log"),
    Output("stderr", "stderr.log"),
)


class DockerBench:
    """Docker Bench on this host, for one scan."""

    def __init__(self, settings: DockerBenchSettings, platform: Platform) -> None:
        self._settings = settings
        self._platform = platform
        # Without a client on this host every call fails, as it does without a daemon.
        self._docker = docker.client(settings.socket) or Docker("docker", settings.socket)
        self._in_checks = True
        """Whether the output is at its checks, and not at the closing list of remediations."""
        self._watch = DaemonWatch()
        self._daemon_ended = False
        self._in_container = True

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        if not _is_own_profile(request):
            return CannotRun(
                f"Docker Bench has one profile, {PROFILE_TITLE}: not {request.profile_text!r}",
                "unknown-profile",
            )
        # Detected again for each scan: a daemon comes and goes without a trace in the file system.
        found = docker_bench_detection.find(self._settings, self._platform)
        if found.problem:
            return CannotRun(f"Docker Bench was not run: {found.problem}", "scanner-not-ready")
        self._watch.start(self._settings.socket)
        plan = self._plan_without_command(found.warnings)
        if found.script is not None:
            self._in_container = False
            return self._script_plan(plan, found.script, draft)
        plan = replace(plan, command=self._container(request.scan_id, draft))
        if not self._must_pull(found):
            return plan
        pull = (self._docker.client, "pull", "--quiet", self._settings.image)
        return replace(plan, prepare=pull, prepare_time_s=self._settings.pull_time_limit_s)

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        """After the pull: if it failed, an image that is present is used, with a warning."""
        # A daemon that was restarted during the pull did the scan no harm: the watch begins anew.
        self._watch.start(self._settings.socket)
        if end.exit_code == 0 and end.ended_by is None:
            return plan
        image = self._settings.image
        reason = end.last_line or f"docker pull ended with exit code {end.exit_code}"
        if end.ended_by:
            reason = end.ended_by.message
        if self._docker.has_image(image):
            warning = f"{image} could not be pulled ({reason}): the image that is present was used"
            return replace(plan, warnings=(*plan.warnings, warning))
        message = f"the image {image} is missing and could not be pulled: {reason}"
        return CannotRun(message, "image-missing")

    def again(self, end: End, plan: Plan) -> Plan | None:
        """Old versions, such as the image on Docker Hub, refuse `-p` and end: run without it."""
        is_refused = _REMEDIATIONS_REFUSED.search(end.last_line) is not None
        if end.exit_code != 1 or not is_refused or REMEDIATIONS not in plan.command:
            return None
        warning = (
            f"this Docker Bench is too old to print remediations ({REMEDIATIONS}): "
            "the report has none"
        )
        command = [argument for argument in plan.command if argument != REMEDIATIONS]
        return replace(plan, command=tuple(command), warnings=(*plan.warnings, warning))

    def is_same_scan(self, request: Request, other: Request) -> bool:
        return _is_own_profile(request) and _is_own_profile(other)

    def named(self, request: Request) -> tuple[str | None, str | None]:
        if not _is_own_profile(request):
            return None, request.profile_text
        return PROFILE_ID, PROFILE_TITLE

    def progress(self, line: Line) -> Progress | None:
        """A line of the log, `[WARN] 2.2 - title`; sub-headers and the closing remediations look
        the same."""
        text = line.text
        if text.startswith("Section "):
            self._in_checks = text.startswith("Section A")
        match = _CHECK.match(text)
        if match is None or not self._in_checks:
            return None
        return Progress(match[2], match[1].lower())

    def judge(self, end: End, draft: Path) -> Verdict:
        kept = tuple(output for output in _OUTPUTS if filled(draft / output.name))
        written = {output.name for output in kept}
        printed = printed_trouble.printed(draft)
        error = error_of_end("Docker Bench", end, _COMPLETED)
        if end.ended_by is None:
            # The cause comes before the exit code that follows from it, if there is one.
            error = (
                self._daemon_error(end, printed)
                or printed_trouble.start_error(end, draft)
                or self._client_error(printed)
                or error
            )
        if error is None and not written & {JSON, LOG}:
            error = "Docker Bench reported success, but wrote neither JSON nor log"
        return Verdict(kept, error, self._unknown_names(printed))

    def _client_error(self, printed: Sequence[str]) -> str | None:
        """That the daemon refuses the API version of the client that the checks use."""
        reason = self._why_client_refused(printed)
        if reason is None:
            return None
        if not self._in_container:
            return f"the Docker client of this host {reason}: upgrade it"
        image = self._settings.image
        remedy = f"set compliance.docker_bench.image to another image, like {DEFAULT_IMAGE}"
        if image == DEFAULT_IMAGE:
            remedy = f"docker pull {image}, or set compliance.docker_bench.method: script"
        return f"the client in the image {image} {reason}: {remedy}"

    def _why_client_refused(self, printed: Sequence[str]) -> str | None:
        reason = docker.refused_api_version("\n".join(printed))
        if reason is not None:
            return reason
        # The script hides what its client prints at the start, so the client in the image is run
        # once more.
        if self._in_container and printed_trouble.client_has_failed(printed):
            return self._docker.why_client_refused(self._settings.image)
        return None

    def _unknown_names(self, printed: Sequence[str]) -> tuple[str, ...]:
        """Warnings about names in the settings that this Docker Bench does not know.

        For a script on the host they were found before it ran. The script in an image is read for
        them where names are set: it reports a check that it does not know, but no exclusion.
        """
        if not self._in_container:
            return ()
        settings = self._settings
        text = ""
        if settings.checks + settings.exclude_checks:
            text = self._docker.script_text(settings.image)
        if text:
            where = f"the image {settings.image}"
            return tuple(map(str, check_names.unknown_names_of_text(settings, text, where)))
        missing = check_names.printed_as_missing("\n".join(printed))
        if not missing:
            return ()
        names = ", ".join(missing)
        return (f"compliance.docker_bench.checks: this Docker Bench has no {names}",)

    def clean_up(self, scan_id: ScanId) -> None:
        """Remove the container, which goes on running after its client was ended."""
        # The scan is judged after this, when a daemon that was restarted answers again: only the
        # connection that was open all the time still shows it.
        self._daemon_ended |= self._watch.has_ended()
        self._watch.close()
        for container, _ in self._docker.containers(SCAN_LABEL, scan_id):
            self._docker.remove(container)

    def remove_leftovers(self, raw: Path) -> list[Leftover]:
        """Containers outlive a killed agent: they are outside its control group."""
        if docker.why_not_reachable(self._docker.socket):
            return []
        removed: list[Leftover] = []
        for container, scan_id in self._docker.containers(SPOOL_LABEL, raw):
            problem = self._docker.remove(container).problem or None
            removed.append(Leftover(scan_id, f"container {container}", problem))
        return removed

    def _must_pull(self, found: Found) -> bool:
        if self._settings.pull == "missing":
            return not found.image_present
        return self._settings.pull == "always"

    def _daemon_error(self, end: End, printed: Sequence[str]) -> str | None:
        """Without a daemon the checks find nothing, and pass."""
        reason = self._why_daemon_went_away(end, printed)
        if reason is None:
            return None
        return f"the Docker daemon went away during the scan: {reason}"

    def _why_daemon_went_away(self, end: End, printed: Sequence[str]) -> str | None:
        if reason := docker.why_not_reachable(self._docker.socket):
            return reason
        if self._daemon_ended:
            return "it was restarted: scan again"
        if end.exit_code in _COMPLETED:
            return printed_trouble.no_daemon_line(printed)
        return None

    def _container(self, scan_id: ScanId, draft: Path) -> tuple[str, ...]:
        mounts = [path for path in OPTIONAL_MOUNTS if Path(path).exists()]
        trust = os.environ.get(TRUST)
        return (
            self._docker.client,
            *docker_arguments.container_arguments(self._settings, scan_id, draft, mounts, trust),
        )

    def _plan_without_command(self, warnings: tuple[str, ...]) -> Plan:
        return Plan(
            profile_id=PROFILE_ID,
            profile_title=PROFILE_TITLE,
            command=(),
            limits=ChildLimits(self._settings.time_limit_s, self._settings.output_limit_mib << 20),
            scanner_version=None,
            warnings=warnings,
            environment=self._docker.environment,
        )

    def _script_plan(self, plan: Plan, script: Path, draft: Path) -> Plan:
        trust = os.environ.get(TRUST)
        environment = dict(plan.environment)
        if trust:
            environment[TRUST] = trust
        program: tuple[str, ...] = ("/bin/sh", str(script))
        if os.access(script, os.X_OK):
            program = (str(script),)
        return replace(
            plan,
            command=(*program, *docker_arguments.script_arguments(self._settings, draft)),
            warnings=(*plan.warnings, *map(str, check_names.unknown_names(self._settings, script))),
            environment=environment,
            directory=docker_bench_detection.working_directory(script),
        )


def _is_own_profile(request: Request) -> bool:
    return request.profile in (None, PROFILE_ID, PROFILE_TITLE)
