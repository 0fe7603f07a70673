"""Events: the messages of a doorbell. They are hints; losing one loses no work."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.records import Record

EventName = Literal[
    "CommandGiven",
    "SettingsChanged",
    "HostDetected",
    "DetectionWanted",
    "ScanRequested",
    "CancellationRequested",
    "ScanStarted",
    "RuleEvaluated",
    "ScanFinished",
    "ReportWritten",
    "ReportShipped",
    "ServerReached",
    "ShippingPaused",
]
SCAN_EVENTS: tuple[EventName, ...] = (
    "ScanStarted",
    "RuleEvaluated",
    "ScanFinished",
    "ReportWritten",
    "ReportShipped",
)
"""What a process subscribes to that shows the progress of scans."""
Short = Annotated[str, Meta(max_length=512)]


class Event(Record, frozen=True, kw_only=True):
    """Something happened."""

    name: EventName
    scan_id: Short | None = None
    profile: Short | None = None
    rule: Short | None = None
    """The rule just evaluated: its title or id."""
    result: Short | None = None
    """The result of the rule, or the outcome of the scan."""
    done: int | None = None
    total: int | None = None
    message: Short | None = None
