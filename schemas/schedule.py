"""The trigger stage's state of schedules and server, for itself and for `status`."""

from collections.abc import Mapping
from typing import Literal

from schemas.ids import Scanner
from schemas.records import Record, Time
from schemas.values import ScanInterval, UpdateInterval

Mode = Literal["disabled", "on-demand", "enabled"]
TRIGGER_STATE = "trigger"
"""The trigger stage keeps `TriggerState` in its state under this name."""
OVERRIDES_STATE = "overrides"
"""The trigger stage keeps `ServerOverrides` in its state under this name."""


class ScheduleState(Record, frozen=True, kw_only=True):
    """How far a schedule has been carried out."""

    schedule: str
    """The expression, or the interval; a changed one is a new schedule."""
    time_zone: str | None = None
    """The zone of the expression; None for an interval."""
    until: Time
    """Every due time up to here has been requested or skipped."""
    requested: tuple[Time, ...] = ()
    """The last due times that were requested: a clock set back does not request them again."""


class NextDue(Record, frozen=True, kw_only=True):
    """When a scan of the settings runs next."""

    scanner: Scanner
    profile: str | None = None
    """As the settings name it; of several, separated by commas, the first that the content has."""
    tailoring: str | None = None
    content: str | None = None
    schedule: str
    at: Time
    """With the host's own delay, UTC."""


class TriggerState(Record, frozen=True, kw_only=True):
    """What `status` shows of the trigger stage."""

    next_due: tuple[NextDue, ...] = ()
    connection: str = "no server"
    """The state of the connection for the server's commands, as a text for people."""
    connected: bool | None = None
    """Whether the server's commands can arrive; None if they are switched off."""
    url: str | None = None
    """The server that this is about."""
    at: Time


class ServerOverrides(Record, frozen=True, kw_only=True):
    """What the server has set at run time; None: nothing, the settings file decides."""

    mode: Mode | None = None
    scanners: Mapping[Scanner, bool] = {}
    """Whether a scanner is switched on, by its key."""
    interval_minutes: ScanInterval | None = None
    update_interval_minutes: UpdateInterval | None = None
    """How often the host has to show that it is alive."""
    url: str | None = None
    """The server that has set this; it does not hold for another one."""
    since: Time | None = None
    """When any of this was last changed."""


def overrides_for(kept: ServerOverrides | None, url: str | None) -> ServerOverrides:
    """What holds for the server at this address: what another one has set does not."""
    if kept is None or kept.url not in (None, url):
        return ServerOverrides()
    return kept
