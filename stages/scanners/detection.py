"""Detection: which scanners this host has, and whether a scan started now would run.

Done at start, every hour, and when something that a scanner depends on changes (its program, its
content, the settings); kept in the scan stage's state, so that the other stages need not be root.
Each scanner's own part is in its folder. Content is read in a worker process, whose memory goes
with it.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.capabilities import DETECTED_STATE, Detected, DetectedScanner
from schemas.codec import decode, encode, replace
from schemas.event import Event
from schemas.ids import Scanner
from schemas.records import Record
from schemas.settings import Settings
from spool.state_store import StateStore
from stages.runtime.allowance import Allowance
from stages.runtime.process import Process
from stages.runtime.worker import Worker, WorkerError, WorkerStoppedError
from stages.scanners import readiness, registry
from stages.scanners.host import this_platform
from stages.scanners.platform import Platform
from stages.scanners.settings import settings_from_plain, settings_to_plain

_CACHE_STATE = "detection-cache"
_EVERY_S = 3600.0
_AGAIN_S = 60.0
"""After this time a detection that has failed is tried again."""
_LIMIT_S = 300.0
_CHANGES_AT_ONCE, _CHANGE_EVERY_S = 5, 30.0
_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)

Caches = dict[Scanner, dict[str, Any]]


class DetectionTask(Record, frozen=True, kw_only=True):
    """What a detection needs in its worker process."""

    settings: dict[str, Any]
    """As plain values: the record of all settings is that of the registered scanners."""
    caches: Caches


class DetectionOutcome(Record, frozen=True, kw_only=True):
    """What one detection returns from its worker process."""

    detected: Detected
    caches: Caches


class Detector:
    """What was detected last, kept up to date."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._worker = Worker(process, "stages.scanners.detection:detect_in_worker")
        self._caches = _caches_in(process.state_store)
        self._seen: object = None
        self._due = 0.0
        self._failure: str | None = None
        """Why the last detection failed; None where it did not."""
        self._changes = Allowance(_CHANGES_AT_ONCE, _CHANGE_EVERY_S)
        self.detected = Detected(at=process.now())

    def refresh(self, *, now: bool = False) -> None:
        """Detect again where it is time to, or where something has changed.

        Raises SpoolError where the machine does not allow it now: the next call tries again.
        """
        # Before the detection: what changes while it runs leads to another one.
        seen = self._surroundings()
        is_due = time.monotonic() >= self._due
        # A user other than root can change one of these directories as often as it likes.
        is_changed = seen != self._seen and self._changes.take()
        if not (now or is_due or is_changed):
            return
        try:
            outcome = self._detect()
        except WorkerStoppedError:
            return
        except WorkerError as error:
            self._failed(f"the worker {error}")
            self._seen, self._due = seen, time.monotonic() + _AGAIN_S
            return
        before = self.detected
        detected = replace(outcome.detected, at=self._process.now())
        self._process.state_store.write(_CACHE_STATE, outcome.caches)
        self._process.state_store.write(DETECTED_STATE, detected)
        # Only now: where the disk takes nothing, the next call starts from the beginning.
        self.detected, self._caches, self._failure = detected, outcome.caches, None
        self._seen, self._due = seen, time.monotonic() + _EVERY_S
        if before.scanners != self.detected.scanners:
            self._log_scanners()
            self._process.publish(Event(name="HostDetected"))

    def due_in_s(self) -> float:
        return max(0.0, self._due - time.monotonic())

    def _detect(self) -> DetectionOutcome:
        """Raises WorkerError, WorkerStoppedError, SpoolError."""
        task = DetectionTask(
            settings=settings_to_plain(self._process.settings), caches=self._caches
        )
        try:
            return decode(self._worker.call(encode(task), _LIMIT_S), DetectionOutcome)
        finally:
            # The next one is an hour away.
            self._worker.stop()

    def _failed(self, reason: str) -> None:
        """What was detected earlier stays in use, also by an earlier process."""
        if not self.detected.scanners:
            kept = self._process.state_store.read(DETECTED_STATE, Detected)
            self.detected = kept or self._unknown(reason)
        if reason == self._failure:
            return
        self._failure = reason
        self._process.log.error(
            "detection of scanners failed, it is tried again every minute; an earlier result stays "
            "in use",
            reason=reason,
        )

    def _unknown(self, reason: str) -> Detected:
        """What is known without any detection: why there was none."""
        problem = f"the detection of scanners failed: {reason}: it is tried again every minute"
        scanner = DetectedScanner(installed=False, ready=False, problems=(problem,))
        scanners = {spec.key: scanner for spec in registry.scanners()}
        return Detected(at=self._process.now(), scanners=scanners)

    def _surroundings(self) -> object:
        """A value that differs after a program, a script or content has changed."""
        found = []
        for spec in registry.scanners():
            for path in spec.surroundings(self._process.settings):
                found.append((path, _changed_at(path)))
        return found

    def _log_scanners(self) -> None:
        for key, found in self.detected.scanners.items():
            for problem in found.problems:
                self._process.log.warning(problem)
            message = "scanner missing"
            if found.installed:
                message = "scanner detected"
            content = None
            if found.content is not None:
                content = found.content.file
            self._process.log.info(
                message, scanner=key, ready=found.ready, version=found.version, content=content
            )


def detect(
    settings: Settings, caches: Mapping[Scanner, Mapping[str, Any]], platform: Platform
) -> DetectionOutcome:
    """What this host can scan. The caller sets the time of the outcome."""
    scanners = {}
    found: Caches = {}
    for spec in registry.scanners():
        result = spec.detect(settings, platform, caches.get(spec.key, {}))
        scanner = result.scanner
        if readiness.is_left_out(spec, settings, installed=scanner.installed):
            # Nothing is wrong with a host that has no such scanner, so there is nothing to report.
            scanner = replace(scanner, problems=())
        scanners[spec.key] = scanner
        found[spec.key] = dict(result.cache)
    detected = Detected(
        at=_UNKNOWN_TIME,
        scanners=scanners,
        os_id=platform.id,
        os_version=platform.version,
        os_name=platform.name,
        os_family=platform.family,
    )
    return DetectionOutcome(detected=detected, caches=found)


def detect_now(settings: Settings, platform: Platform | None = None) -> Detected:
    """Detection outside of the scan stage, with the caches of its last detection."""
    outcome = detect(settings, kept_caches(settings), platform or this_platform())
    return replace(outcome.detected, at=datetime.now(UTC))


def kept_caches(settings: Settings) -> Caches:
    """The caches of the scan stage's last detection; none where there was none, or where this user
    may not read them."""
    store = StateStore(Path(settings.spool.path), "scan")
    try:
        return _caches_in(store)
    finally:
        store.close()


def _caches_in(store: StateStore) -> Caches:
    return store.read(_CACHE_STATE, Caches) or {}


def specified_capabilities(detected: Detected) -> dict[str, Any]:
    """The specification's `ComplianceCapabilities`, as plain values."""
    capabilities = {}
    for spec in registry.scanners():
        if spec.key in detected.scanners:
            capabilities[spec.section] = detected.scanners[spec.key].specified
    return capabilities


def detect_in_worker(payload: bytes) -> bytes:
    """Called in the worker process: a DetectionTask in, a DetectionOutcome out."""
    task = decode(payload, DetectionTask)
    settings = settings_from_plain(task.settings)
    return encode(detect(settings, task.caches, this_platform()))


def _changed_at(path: str | None) -> int | None:
    """When the content, the owner or the mode of a file was changed last."""
    if path is None:
        return None
    try:
        return Path(path).stat().st_ctime_ns
    except OSError:
        return None
