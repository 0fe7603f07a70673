"""Whether a scheduled scan is due: decided on values passed in, no clock, no files.

Promises: every due time is requested once, or skipped for a stated reason. A restart, a suspend, a
clock that jumps either way and a changed configuration neither double nor lose one. Of several
missed due times, one is made up for.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, Protocol

from schemas.codec import replace
from schemas.records import Struct
from schemas.schedule import ScheduleState

Missed = Literal["once", "skip"]
_ON_TIME = timedelta(seconds=90)
_STEP_BACK = timedelta(hours=1)
_REMEMBERED = 50


class Schedule(Protocol):
    """When a scan is due."""

    def next_due(self, after: datetime) -> datetime: ...

    def last_due(self, until: datetime) -> datetime: ...


class SchedulePolicy(Struct, frozen=True):
    """How a schedule is carried out on this host."""

    schedule: str
    """The expression or interval. With another one it is another schedule."""
    splay: timedelta
    """This host's own delay after every due time."""
    missed: Missed
    catch_up_from: datetime
    """No missed scan is made up for before this moment: soon after the start, but not at boot."""
    time_zone: str | None = None
    """The zone of the expression; None for an interval."""


class Decision(Struct, frozen=True):
    """What to do now, and when to decide again."""

    state: ScheduleState
    request: datetime | None
    """The due time for which a scan has to be requested now."""
    skipped: datetime | None
    """The due time that was missed and is not made up for."""
    next_at: datetime


def decide(
    schedule: Schedule, policy: SchedulePolicy, before: ScheduleState | None, now: datetime
) -> Decision:
    """What is due now. A due time is reached when this host's delay after it is over."""
    reached = now - policy.splay
    state = _state_to_continue(policy, before, reached)
    due = schedule.last_due(reached)
    next_at = schedule.next_due(reached) + policy.splay
    # `requested` remembers what `until` forgets when the clock is set back: the due times between
    # the two were carried out before.
    is_processed = due <= state.until or due in state.requested
    if is_processed:
        state = replace(state, until=max(due, state.until))
        return Decision(state, request=None, skipped=None, next_at=next_at)
    is_missed = reached - due > _ON_TIME
    if is_missed and policy.missed == "skip":
        return Decision(replace(state, until=due), request=None, skipped=due, next_at=next_at)
    if is_missed and now < policy.catch_up_from:
        next_at = min(policy.catch_up_from, next_at)
        return Decision(state, request=None, skipped=None, next_at=next_at)
    requested = (*state.requested, due)[-_REMEMBERED:]
    state = replace(state, until=due, requested=requested)
    return Decision(state, request=due, skipped=None, next_at=next_at)


def splay_of(host: str, scanner: str, limit: timedelta) -> timedelta:
    """This host's delay, the same at every start: up to `limit`, evenly spread over a fleet."""
    number = int.from_bytes(sha256(f"{host}\0{scanner}".encode()).digest()[:8])
    return timedelta(seconds=int(limit.total_seconds() * number / 2**64))


def _state_to_continue(
    policy: SchedulePolicy, before: ScheduleState | None, reached: datetime
) -> ScheduleState:
    """How far this schedule has been carried out; a new one begins now and makes up for nothing."""
    new = ScheduleState(schedule=policy.schedule, time_zone=policy.time_zone, until=reached)
    if before is None:
        return new
    if (before.schedule, before.time_zone) != (policy.schedule, policy.time_zone):
        return replace(new, requested=before.requested)
    if before.until - reached > _STEP_BACK:
        # The clock was set back. To wait until it gets there again could take years.
        return replace(before, until=reached)
    return before
