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
_LONGEST = 512
Short = Annotated[str, Meta(max_length=_LONGEST)]


def short(text: str | None) -> Short | None:
    """The beginning of a text, as much as an event takes; None where there is none."""
    if not text:
        return None
    return text[:_LONGEST]


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
