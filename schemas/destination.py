"""The state of the destination: what the ship stage tells everyone who asks why scans wait."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.records import Record

DESTINATION_STATE = "destination"
"""The ship stage keeps `Destination` in its state under this name."""

DestinationState = Literal["ready", "backing off", "paused", "not set"]


class Destination(Record, frozen=True, kw_only=True):
    """The state of the delivery; kept in the ship stage's state, under the name `destination`."""

    state: DestinationState
    """`backing off`: temporary trouble, tried again by itself. `paused`: someone has to mend
    something.
    """
    at: datetime
    """When this was found."""
    since: datetime
    """Since when the state has been what it is."""
    url: str | None = None
    why: str | None = None
    """What happened at the last attempt, or why the next is not yet; None while all is well."""
    action: str | None = None
    """What the operator should do; None where waiting is enough."""
    next_try: datetime | None = None
    asked_to_wait: bool = False
    """The server itself named the time of the next try; it holds after a restart too."""
    failures: Annotated[int, Meta(ge=0)] = 0
    """Attempts in a row that led to nothing."""
    verified: bool = True
    """false: certificates are not checked (`server.verify: false`)."""


class ShipState(Record, frozen=True, kw_only=True):
    """What the ship stage remembers beside its receipts and its history, which an operator may have
    taken away.
    """

    url: str | None = None
    """The server that accepted these scans."""
    accepted: dict[str, str] = field(default_factory=dict)
    """By scanner and name at the server, the newest scan that it accepted."""
    applied: tuple[str, ...] = ()
    """Retry commands that lie there and were applied."""
    replayed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Replay commands that lie there: by their ids, the scans for which they were applied."""
    forced: tuple[str, ...] = ()
    """Scans that are sent even where the server has a newer one."""
