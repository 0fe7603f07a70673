"""Whether a scheduled scan is due: decided on values passed in, no clock, no files.

Promises: every due time is requested once, or passed over for a stated reason; a restart, a suspend, a clock that
jumps either way and a changed configuration neither double nor lose one; of several that were missed, one is made up
for.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, Protocol

from schemas.codec import replace
from schemas.schedule import ScheduleState

Missed = Literal["once", "skip"]
_ON_TIME = timedelta(seconds=90)
_STEP_BACK = timedelta(hours=1)
_REMEMBERED = 50


class Schedule(Protocol):
    """When a scan is due."""

    def next_due(self, after: datetime) -> datetime: ...

    def last_due(self, until: datetime) -> datetime: ...


@dataclass(frozen=True)
class SchedulePolicy:
    """How a schedule is carried out on this host."""

    name: str
    """The schedule in words; another name is another schedule."""
    splay: timedelta
    """This host's own delay after every due time."""
    missed: Missed
    catch_up_from: datetime
    """What was missed is made up for no sooner than this: soon after the start, but not at boot."""


@dataclass(frozen=True)
class Decision:
    """What to do now, and when to decide again."""

    handled: ScheduleState
    request: datetime | None
    """The due time for which a scan is to be requested now."""
    passed_over: datetime | None
    """The due time that was missed and is not made up for."""
    next_look: datetime


def decide(
    schedule: Schedule, terms: SchedulePolicy, before: ScheduleState | None, now: datetime
) -> Decision:
    """What is due now. A due time counts from when this host's delay after it is over."""
    reached = now - terms.splay
    handled = _taken_up(terms, before, reached)
    due, next_look = schedule.last_due(reached), schedule.next_due(reached) + terms.splay
    if due <= handled.until or due in handled.requested:
        return Decision(replace(handled, until=max(due, handled.until)), None, None, next_look)
    if reached - due > _ON_TIME:
        if terms.missed == "skip":
            return Decision(replace(handled, until=due), None, due, next_look)
        if now < terms.catch_up_from:
            return Decision(handled, None, None, min(terms.catch_up_from, next_look))
    requested = (*handled.requested, due)[-_REMEMBERED:]
    return Decision(replace(handled, until=due, requested=requested), due, None, next_look)


def splay_of(host: str, scanner: str, limit: timedelta) -> timedelta:
    """This host's delay, the same at every start: between nothing and `limit`, evenly over a fleet."""
    number = int.from_bytes(sha256(f"{host}\0{scanner}".encode()).digest()[:8])
    return timedelta(seconds=int(limit.total_seconds() * number / 2**64))


def _taken_up(
    terms: SchedulePolicy, before: ScheduleState | None, reached: datetime
) -> ScheduleState:
    """How far this very schedule was carried out; a new one begins now, and makes up for nothing of the past."""
    if before is None:
        return ScheduleState(schedule=terms.name, until=reached)
    if before.schedule != terms.name:
        return ScheduleState(schedule=terms.name, until=reached, requested=before.requested)
    if before.until - reached > _STEP_BACK:
        # The clock was set back: waiting for it to come round again could take years.
        return replace(before, until=reached)
    return before
