"""How far a scan is, in the server's form: recorded in the stage's loop, sent by the link's thread.

Only the newest message of each scan is kept until it is sent; the end of a scan is never left out.
Source: `compliance_scan_progress` of the released servers.
"""

from collections.abc import Mapping
from datetime import datetime
from threading import Lock

from schemas.event import Event, EventName
from schemas.records import Struct, field
from stages.patchmon.server_messages import ScanPhase, ScanProgress

_MOST_SCANS = 100
_PERCENT_EVALUATED = 90
_PERCENT_OF_UNKNOWN_TOTAL = 45
_WITHOUT_RESULTS = frozenset({"failed", "cancelled"})
_END = _WITHOUT_RESULTS | {"completed"}


class _Step(Struct, frozen=True):
    """The progress of a scan."""

    phase: ScanPhase
    message: str
    percent: int
    error: str | None = None


class ProgressQueue(Struct):
    """What is still to be sent, oldest scan first."""

    _waiting: dict[str, ScanProgress] = field(default_factory=dict)
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
            # A request that another scan has answered: the server does not know of it, and does
            # not have to.
            return
        step = _step(event)
        if step is not None:
            self._record(event.scan_id, step, at)

    def refuse(self, message: str, at: datetime) -> None:
        """A request was refused; sent once for many with the same reason."""
        key = f"refused: {message}"
        self._record(key, _Step("failed", "refused", 100, message), at)
        # It is not a scan that ends once: the same refusal may come again, and is sent again.
        self._ended.pop(key, None)

    @property
    def is_waiting(self) -> bool:
        """Whether there is a message to send."""
        return bool(self._waiting)

    def next(self) -> ScanProgress | None:
        """The next message, once: that of the scan that has waited longest."""
        with self._lock:
            if not self._waiting:
                return None
            return self._waiting.pop(next(iter(self._waiting)))

    def _record(self, key: str, step: _Step, at: datetime) -> None:
        # The end of a scan stands, whatever comes later: the report of a failed one is delivered,
        # too.
        if key in self._ended:
            return
        message = ScanProgress(
            phase=step.phase,
            profile_name=self._profiles.get(key, ""),
            message=step.message,
            progress=step.percent,
            error=step.error or "",
            timestamp=at,
        )
        if step.phase in _END:
            self._profiles.pop(key, None)
            self._ended[key] = None
        with self._lock:
            self._waiting[key] = message
            for kept in (self._waiting, self._profiles, self._ended):
                while len(kept) > _MOST_SCANS:
                    del kept[next(iter(kept))]


def _evaluated(event: Event) -> _Step:
    done = event.done or 0
    if event.total:
        count = f"{done} of {event.total}"
        percent = min(_PERCENT_EVALUATED, _PERCENT_EVALUATED * done // event.total)
    else:
        # Of an unknown number of rules, the bar creeps up to the middle.
        count = str(done)
        percent = min(_PERCENT_OF_UNKNOWN_TOTAL, done)
    return _Step("evaluating", f"{count}: {event.rule}"[:200], percent)


_RESULTS: Mapping[tuple[EventName, str | None], _Step] = {
    ("ScanFinished", "finished"): _Step("parsing", "reading the results", 92),
    ("ScanFinished", "failed"): _Step("failed", "scan failed", 100),
    ("ScanFinished", "cancelled"): _Step("cancelled", "scan cancelled", 100),
    ("ReportWritten", "completed"): _Step("sending", "sending the results", 96),
    ("ReportWritten", "failed"): _Step("failed", "scan failed", 100, "the results can't be read"),
    ("ReportShipped", "accepted"): _Step("completed", "results delivered", 100),
    ("ReportShipped", "superseded"): _Step(
        "completed", "another scan is delivered in its place", 100
    ),
    ("ReportShipped", "refused"): _Step("failed", "the results are not delivered", 100),
}
"""What the end of a step means to the server, by its result."""


def _step(event: Event) -> _Step | None:
    """The progress that an event shows; None where it means nothing to the server."""
    if event.name == "ScanStarted":
        return _Step("started", "scan started", 0)
    if event.name == "RuleEvaluated":
        return _evaluated(event)
    step = _RESULTS.get((event.name, event.result))
    if step is None or step.phase not in _WITHOUT_RESULTS:
        return step
    return _Step(step.phase, step.message, step.percent, event.message or step.error)
