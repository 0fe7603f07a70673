"""The state of the delivery: what the ship stage publishes about why reports wait."""

from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.ids import ScanId
from schemas.records import Record, Time

DESTINATION_STATE = "destination"
"""The ship stage keeps `Destination` in its state under this name."""

SHIP_STATE = "ship-state"
"""The ship stage keeps `ShipState` in its state under this name."""

DestinationState = Literal["ready", "backing off", "paused", "not set"]


class Destination(Record, frozen=True, kw_only=True):
    """The state of the delivery; kept in the ship stage's state, under the name `destination`."""

    state: DestinationState
    """`backing off`: temporary trouble, tried again by itself. `paused`: an
    administrator has to act.
    """
    at: Time
    """When this was found."""
    since: Time
    """Since when the delivery has been in this state."""
    url: str | None = None
    reason: str | None = None
    """What happened at the last attempt, or why the next one waits; None while delivery works."""
    action: str | None = None
    """What the operator should do; None where waiting is enough."""
    next_try: Time | None = None
    is_set_by_server: bool = False
    """The server itself named the time of the next try; it holds after a restart too."""
    failures: Annotated[int, Meta(ge=0)] = 0
    """Consecutive attempts that failed."""
    verified: bool = True
    """false: certificates are not checked (`server.verify: false`)."""


class StoredScan(Record, frozen=True, kw_only=True):
    """What the server has of one place."""

    scan_id: ScanId
    accepted_at: Time


class ShipState(Record, frozen=True, kw_only=True):
    """What the ship stage keeps beside receipts and history, which an operator may remove."""

    url: str | None = None
    """The server that accepted these scans."""
    accepted: dict[str, str] = field(default_factory=dict)
    """By scanner and profile name at the server: the newest scan that it accepted."""
    stored: dict[str, StoredScan] = field(default_factory=dict)
    """By scanner and profile name at the server: the scan that it has now, the last one that it
    accepted. An older one than in `accepted` was sent by force.
    """
    applied: tuple[str, ...] = ()
    """Retry commands that were applied and are still in `commands/`."""
    replayed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By id, each replay command that is still in `commands/`: the scans it was applied to."""
    attempted: dict[str, ScanId] = field(default_factory=dict)
    """By place, the report that was sent before an older one and whose outcome is not known."""
    forced: tuple[str, ...] = ()
    """Scans that are sent even if the server has a newer one."""
