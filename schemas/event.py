"""Events: what a doorbell says. Only ever hints; a lost one loses no work."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.records import Record

EventName = Literal[
    "CommandGiven",
    "HostDetected",
    "DetectionWanted",
    "ScanRequested",
    "CancellationRequested",
    "ScanStarted",
    "RuleEvaluated",
    "ScanFinished",
    "ReportWritten",
    "ReportShipped",
    "ShippingPaused",
]
SCAN_EVENTS: tuple[EventName, ...] = (
    "ScanStarted",
    "RuleEvaluated",
    "ScanFinished",
    "ReportWritten",
    "ReportShipped",
)
"""What those hear who tell others how far a scan is."""
Short = Annotated[str, Meta(max_length=512)]


class Event(Record, frozen=True, kw_only=True):
    """Something happened."""

    name: EventName
    scan_id: Short | None = None
    profile: Short | None = None
    rule: Short | None = None
    """The rule just evaluated: its title or id."""
    result: Short | None = None
    """Its result word, or the outcome of the scan."""
    done: int | None = None
    total: int | None = None
    message: Short | None = None
