"""How far a scan is, as the server wants to hear it: heard in the stage's loop, told in the link's thread.

Of each scan the newest message alone is kept until it is told; a scan's end is never left out.
Source: `compliance_scan_progress` of the released servers.
"""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from schemas.event import Event

_MOST_SCANS = 100
_ANSWERS: dict[str, tuple[str, str, int, str | None]] = {
    "accepted": ("completed", "results delivered", 100, None),
    "superseded": ("completed", "another scan is delivered in its place", 100, None),
}
_END = frozenset({"completed", "failed", "cancelled"})


@dataclass
class Progress:
    """What is still to be told, oldest scan first."""

    _waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    _profiles: dict[str, str] = field(default_factory=dict)
    _ended: dict[str, None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, event: Event, at: datetime) -> None:
        """Something happened to a scan."""
        if event.scan_id is None:
            return
        if event.profile:
            self._profiles[event.scan_id] = event.profile
        if event.result == "superseded" and event.scan_id not in self._profiles:
            # A wish that another scan has answered: nothing was told of it, and nothing is.
            return
        told = _told(event)
        if told:
            phase, message, percent, error = told
            self.say(event.scan_id, phase, message, percent, error, at)

    def say(
        self, key: str, phase: str, message: str, percent: int, error: str | None, at: datetime
    ) -> None:
        """Tell `phase` of a scan, or of a wish that never became one."""
        # The end of a scan stands, whatever late news of it comes: a failed one is delivered, too.
        if key in self._ended:
            return
        told = {
            "type": "compliance_scan_progress",
            "phase": phase,
            "profile_name": self._profiles.get(key, ""),
            "message": message,
            "progress": percent,
            "error": error or "",
            "timestamp": at.isoformat().replace("+00:00", "Z"),
        }
        if phase in _END:
            self._profiles.pop(key, None)
            self._ended[key] = None
        with self._lock:
            self._waiting[key] = told
            for kept in (self._waiting, self._profiles, self._ended):
                while len(kept) > _MOST_SCANS:
                    del kept[next(iter(kept))]

    def refuse(self, message: str, at: datetime) -> None:
        """Tell that a wish became no scan; once of many that are refused for the same reason meanwhile."""
        key = f"refused: {message}"
        self.say(key, "failed", "refused", 100, message, at)
        self._ended.pop(key, None)

    def next(self) -> dict[str, Any] | None:
        """What is to be told next, once; of the scan that has waited longest."""
        with self._lock:
            return self._waiting.pop(next(iter(self._waiting))) if self._waiting else None


def _told(event: Event) -> tuple[str, str, int, str | None] | None:
    """Phase, message, percent and error of an event; None where it tells the server nothing."""
    if event.name == "ScanStarted":
        return "started", "scan started", 0, None
    if event.name == "RuleEvaluated":
        done, total = event.done or 0, event.total or 0
        count = f"{done} of {total}" if total else str(done)
        # Of an unknown number of rules, the bar creeps up to the middle.
        percent = min(90, 90 * done // total) if total else min(45, done)
        return "evaluating", f"{count}: {event.rule}"[:200], percent, None
    if event.name in ("ScanFinished", "ReportWritten") and event.result in ("failed", "cancelled"):
        message = event.message or (
            "the results can't be read" if event.name == "ReportWritten" else None
        )
        return event.result, f"scan {event.result}", 100, message
    if event.name == "ScanFinished" and event.result == "finished":
        return "parsing", "reading the results", 92, None
    if event.name == "ReportWritten" and event.result == "completed":
        return "sending", "sending the results", 96, None
    if event.name == "ReportShipped":
        return _ANSWERS.get(
            event.result or "", ("failed", "the results are not delivered", 100, event.message)
        )
    return None
