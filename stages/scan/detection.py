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
from pathlib import Path

from schemas.capabilities import ComplianceCapabilities, Detected, DockerBenchDetection, OpenSCAPDetection
from schemas.codec import encode, replace
from schemas.event import Event
from schemas.settings import OpenSCAPSettings, Settings
from stages.process.process import Process
from stages.scan import content
from stages.scan.choose import Choice, choose
from stages.scan.platform import Platform, parse_os_release
from stages.scap.profiles import Datastream, ProfileCache
from stages.scap.xml import ScapError

NOTE = "detected"
_CACHE_NOTE = "profiles"
_EVERY_S = 3600.0
_OS_RELEASE = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Detector:
    """What was detected last, kept true."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._cache = ProfileCache(process.notes.read(_CACHE_NOTE, dict) or {})
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
        before, self.detected = self.detected, self._detect()
        self._process.notes.write(NOTE, self.detected)
        if _told(before) != _told(self.detected):
            for problem in self.detected.problems:
                self._process.log.warning(problem)
            openscap = self.detected.capabilities.openscap
            self._process.log.info(
                "scanners detected",
                openscap=openscap.version if openscap and openscap.installed else "missing",
                content=self.detected.content_file,
            )
            self._process.ring(Event(name="HostDetected"))

    def due_in_s(self) -> float:
        return max(0.0, self._due - time.monotonic())

    def rule_count(self, profile_id: str) -> int | None:
        return self._counts.get(profile_id)

    def _detect(self) -> Detected:
        detected, datastream = detect(self._process.settings, self._cache, self._process)
        self._counts = dict(datastream.rule_counts) if datastream else {}
        self._process.notes.write(_CACHE_NOTE, self._cache.dump())
        return detected

    def _surroundings(self) -> object:
        settings = self._process.settings.compliance.openscap
        paths = [*settings.content_dirs, *([settings.content] if settings.content else [])]
        return shutil.which("oscap", path=_PATH), [_changed(Path(path)) for path in paths]
