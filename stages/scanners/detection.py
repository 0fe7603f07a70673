"""Detection: which scanners this host has, and whether a scan started now would run.

Done at start, every hour, and when a content directory, the scanner or the settings change; written to the stage's
notes, so that the other stages need not be root. A missing scanner, missing content and content for another version
are three different messages, each with the command that mends it.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.capabilities import (
    ComplianceCapabilities,
    Detected,
    DockerBenchDetection,
    OpenSCAPDetection,
    ProfileInfo,
)
from schemas.codec import decode, encode, replace
from schemas.event import Event
from schemas.manifest import ContentSource
from schemas.records import Record
from schemas.settings import OpenSCAPSettings, Settings
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerError, WorkerStoppedError
from stages.scanners.docker_bench import detection
from stages.scanners.openscap import content
from stages.scanners.openscap.choose import Choice, choose
from stages.scanners.openscap.platform import Platform, parse_os_release

if TYPE_CHECKING:
    # At run time only in a child process: the XML library would stay in the stage for good.
    from stages.scap.content_profiles import Datastream, ProfileCache

NOTE = "detected"
_CACHE_NOTE = "profiles"
_EVERY_S = 3600.0
_LIMIT_S = 300.0
_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)
_OS_RELEASE = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class DetectTask(Record, frozen=True, kw_only=True):
    """What a detection needs in its worker process."""

    settings: Settings
    cache: dict[str, Any]


class Found(Record, frozen=True, kw_only=True):
    """What one detection brings home from its child process."""

    detected: Detected
    rule_counts: dict[str, int]
    cache: dict[str, Any]


class Detector:
    """What was detected last, kept true. The content is read in a child process, whose memory goes with it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._worker = Worker(process, "stages.scanners.detection:detect_in_worker")
        self._cache: dict[str, Any] = process.state_store.read(_CACHE_NOTE, dict) or {}
        self._seen: object = None
        self._due = 0.0
        self._counts: dict[str, int] = {}
        self.detected = Detected(capabilities=ComplianceCapabilities(), at=process.now())

    def refresh(self, *, now: bool = False) -> None:
        """Detect again where it is time to, or where something has changed."""
        seen = self._surroundings()
        if not now and seen == self._seen and time.monotonic() < self._due:
            return
        self._seen, self._due = seen, time.monotonic() + _EVERY_S
        before = self.detected
        found = self._find()
        if found is None:
            return
        self.detected = replace(found.detected, at=self._process.now())
        self._counts, self._cache = found.rule_counts, found.cache
        self._process.state_store.write(_CACHE_NOTE, self._cache)
        self._process.state_store.write(NOTE, self.detected)
        if replace(before, at=self.detected.at) != self.detected:
            self._tell()

    def due_in_s(self) -> float:
        return max(0.0, self._due - time.monotonic())

    def rule_count(self, profile_id: str) -> int | None:
        return self._counts.get(profile_id) or None

    def _find(self) -> Found | None:
        task = DetectTask(settings=self._process.settings, cache=self._cache)
        try:
            return decode(self._worker.call(encode(task), _LIMIT_S), Found)
        except WorkerStoppedError:
            return None
        except WorkerError as error:
            self._process.log.error(
                f"the detection of scanners {error}; what was detected before stays"
            )
            return None
        finally:
            # The next one is an hour away.
            self._worker.stop()

    def _surroundings(self) -> object:
        settings = self._process.settings.compliance.openscap
        paths = [*settings.content_dirs, *([settings.content] if settings.content else [])]
        bench = self._process.settings.compliance.docker_bench
        paths += [bench.socket, *bench.script_paths]
        programs = [shutil.which("oscap", path=_PATH), shutil.which("docker")]
        paths += [program for program in programs if program]
        return programs, [_changed(Path(path)) for path in paths]

    def _tell(self) -> None:
        for problem in (*self.detected.problems, self.detected.docker_problem):
            if problem:
                self._process.log.warning(problem)
        openscap, bench = (
            self.detected.capabilities.openscap,
            self.detected.capabilities.docker_bench,
        )
        self._process.log.info(
            "scanners detected",
            openscap=openscap.version if openscap and openscap.installed else "missing",
            content=self.detected.content_file or "missing",
            docker=_told(bench),
        )
        self._process.publish(Event(name="HostDetected"))


def detect(settings: Settings, cache: "ProfileCache") -> "tuple[Detected, Datastream | None]":
    """What this host can scan, and the content chosen for it. `at` is the beginning of time: the caller knows it."""
    from stages.scap.xml_records import ScapError

    platform = this_platform()
    openscap, problems = _scanner(platform)
    choice, missing = _content(settings.compliance.openscap, platform)
    datastream: Datastream | None = None
    if choice:
        try:
            datastream = cache.counted(Path(choice.path))
        except (ScapError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            missing = f"{choice.path}: the content can't be read: {why}; install it again"
    if missing:
        problems.append(missing)
    profiles = datastream.profiles if datastream else ()
    directory = (
        str(Path(choice.path).parent) if choice else _first_directory(settings.compliance.openscap)
    )
    openscap = replace(openscap, content_path=directory, available_profiles=profiles)
    bench = detection.find(settings.compliance.docker_bench, platform)
    capabilities = ComplianceCapabilities(openscap=openscap, docker_bench=bench.detection)
    found = Detected(
        capabilities=capabilities,
        at=_UNKNOWN_TIME,
        openscap_ready=bool(openscap.installed and profiles),
        content_file=str(choice.path) if choice and datastream else None,
        content_source=_source(choice, settings.compliance.openscap) if choice else None,
        content_version=datastream.version if datastream else None,
        content_warning=choice.warning if choice else None,
        progress_option=_progress_option(openscap),
        docker_bench_ready=bench.problem is None,
        docker_problem=bench.problem,
        problems=tuple(problems),
        os_id=platform.id,
        os_version=platform.version,
        os_name=platform.name,
        os_family=platform.family,
    )
    return found, datastream


def detect_in_worker(payload: bytes) -> bytes:
    """Called in the worker process: a DetectTask in, what was found out."""
    from stages.scap.content_profiles import ProfileCache

    task = decode(payload, DetectTask)
    cache = ProfileCache(task.cache)
    detected, datastream = detect(task.settings, cache)
    counts = dict(datastream.selected or {}) if datastream else {}
    return encode(Found(detected=detected, rule_counts=counts, cache=cache.dump()))


def detect_now(settings: Settings) -> Detected:
    """Detection without a running stage."""
    from stages.scap.content_profiles import ProfileCache

    return replace(detect(settings, ProfileCache({}))[0], at=datetime.now(UTC))


def all_content(settings: Settings) -> tuple[ProfileInfo, ...]:
    """The profiles of every datastream on this host, readable ones only."""
    from stages.scap.content_profiles import ProfileCache
    from stages.scap.xml_records import ScapError

    cache = ProfileCache({})
    found: list[ProfileInfo] = []
    for path in _datastreams(settings.compliance.openscap):
        with suppress(ScapError, OSError):
            found += cache.get(path).profiles
    return tuple(found)


def this_platform() -> Platform:
    for path in _OS_RELEASE:
        with suppress(OSError):
            return parse_os_release(path.read_text(errors="replace"))
    return parse_os_release("")


def _scanner(platform: Platform) -> tuple[OpenSCAPDetection, list[str]]:
    path = shutil.which("oscap", path=_PATH)
    if path is None:
        return OpenSCAPDetection(installed=False), [
            f"OpenSCAP is not installed: {platform.install('oscap')}"
        ]
    said = _output([path, "--version"])
    match = re.search(r"\b(\d+\.\d+[\w.+-]*)", said or "")
    if match is None:
        message = f"{path} does not tell its version: {platform.install('oscap')} (reinstall)"
        return OpenSCAPDetection(installed=False, oscap_path=path), [message]
    return OpenSCAPDetection(installed=True, version=match[1], oscap_path=path), []


def _content(settings: OpenSCAPSettings, platform: Platform) -> tuple[Choice | None, str | None]:
    """The content for this host, or why there is none."""
    if settings.content:
        if Path(settings.content).is_file():
            return Choice(Path(settings.content)), None
        return None, f"compliance.openscap.content: {settings.content}: there is no such file"
    files = _datastreams(settings)
    choice = choose(platform, files)
    if choice:
        return choice, None
    install = platform.install("content")
    if not files:
        return None, f"no SCAP content in {', '.join(settings.content_dirs)}: {install}"
    return None, (
        f"none of the {len(files)} datastreams in {files[0].parent} is for this host ({platform.name}): {install}, "
        "or set compliance.openscap.content"
    )


def _datastreams(settings: OpenSCAPSettings) -> list[Path]:
    found: list[Path] = []
    for directory in settings.content_dirs:
        found += sorted(Path(directory).glob("ssg-*-ds.xml"))
    return found


def _source(choice: Choice, settings: OpenSCAPSettings) -> ContentSource:
    if Path(choice.path) == content.LINUX:
        return "own"
    return "configured" if settings.content else "installed"


def _first_directory(settings: OpenSCAPSettings) -> str:
    return next((path for path in settings.content_dirs if Path(path).is_dir()), "")


def _progress_option(openscap: OpenSCAPDetection) -> str:
    if not openscap.installed:
        return "--progress-full"
    usage = _output([openscap.oscap_path, "xccdf", "eval", "--help"]) or ""
    return "--progress-full" if "--progress-full" in usage else "--progress"


def _output(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _told(bench: DockerBenchDetection | None) -> str:
    """Docker in a word; a daemon that is away tells no version."""
    if bench is None or not bench.docker_installed:
        return "missing"
    return bench.docker_version or "installed"


def _changed(path: Path) -> int | None:
    """When its content, or who may use it, was changed last."""
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return None
