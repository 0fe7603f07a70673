"""When a schedule is due. Pure but for reading the host's time zone; the only importer of croniter.

An expression is read in a time zone's wall-clock time. Daylight saving follows Vixie cron: an hour that begins with
`*` runs every real hour; a fixed time runs once a day: in the first of two equal hours, and where the clock leaps
over it, right after the leap.

Diagnostics: ScheduleError, which explains what is wrong with an expression or a time zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from croniter.croniter import CroniterError

_ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_LOCALTIME = Path("/etc/localtime")
_FIELDS = (
    "minute (0-59)",
    "hour (0-23)",
    "day of the month (1-31)",
    "month (1-12)",
    "day of the week (0-7)",
)
# No zone that is in use moves its clock by more.
_LEAP = timedelta(hours=3)
_YEARS = 8
_SECOND = timedelta(seconds=1)


class ScheduleError(ValueError):
    """An expression that is never due, or can't be read."""


@dataclass(frozen=True)
class Cron:
    """A cron expression in a time zone."""

    expression: str
    zone: tzinfo

    def __post_init__(self) -> None:
        message = self.expression.split()
        if len(message) != 5 and self.expression not in _ALIASES:
            raise ScheduleError(
                f"{self.expression!r} has {len(message)} fields, a cron expression has five: "
                "minute hour day-of-month month day-of-week, for instance '0 3 * * 0'"
            )
        if any(letter in self.expression.upper() for letter in ("H(", "R(")) or {"H", "R"} & set(
            message
        ):
            raise ScheduleError(
                f"{self.expression!r}: H and R are not cron: use splay to spread a fleet"
            )
        try:
            start = datetime(2024, 1, 1)  # noqa: DTZ001
            croniter(self.expression, start, max_years_between_matches=_YEARS).get_next()
        except (CroniterError, ValueError, KeyError) as error:
            raise ScheduleError(f"{self.expression!r}: {_explained(message)}") from error

    def next_due(self, after: datetime) -> datetime:
        """The first due time after `after`, both UTC."""
        times = self._times(after if self._is_even(after) else after - _LEAP)
        best: datetime | None = None
        while True:
            wall = times.get_next(datetime)
            # Around a leap the order of the wall clock is not that of time: look a little further than the first.
            if best and (self._is_even(best) or wall > self._wall(best) + _LEAP):
                return best
            later = [instant for instant in self._instants(wall) if instant > after]
            best = min([*later, best] if best else later, default=None)

    def last_due(self, until: datetime) -> datetime:
        """The last due time that is not after `until`, both UTC."""
        times = self._times(until + (_SECOND if self._is_even(until) else _LEAP))
        best: datetime | None = None
        while True:
            wall = times.get_prev(datetime)
            if best and (self._is_even(best) or wall < self._wall(best) - _LEAP):
                return best
            earlier = [instant for instant in self._instants(wall) if instant <= until]
            best = max([*earlier, best] if best else earlier, default=None)

    def _is_even(self, at: datetime) -> bool:
        """Whether no leap of the wall clock is near."""
        before, after = ((at + step).astimezone(self.zone) for step in (-2 * _LEAP, 2 * _LEAP))
        return before.utcoffset() == after.utcoffset()

    def _times(self, start: datetime) -> croniter:
        return croniter(self.expression, self._wall(start), max_years_between_matches=_YEARS)

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def _instants(self, wall: datetime) -> list[datetime]:
        """When the wall clock shows this: once, twice where it is set back, and where it leaps over, just after."""
        first = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        second = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        # In a leap, fold 0 counts on from before it, which is as much after it.
        return [first, second] if second > first and self.is_every_hour else [first]

    @property
    def is_every_hour(self) -> bool:
        """Whether it means real hours, and not times of day."""
        message = self.expression.split()
        return message[0] == "@hourly" or (len(message) == 5 and message[1].startswith("*"))


def _explained(message: Sequence[str]) -> str:
    """Which field is wrong: each is tried among fields that take anything."""
    for place, (word, meaning) in enumerate(zip(message, _FIELDS, strict=False)):
        alone = [word if other == place else "*" for other in range(len(_FIELDS))]
        if not croniter.is_valid(" ".join(alone)):
            return f"{word!r} is no {meaning}"
    return f"there is no such day within {_YEARS} years"


@dataclass(frozen=True)
class Interval:
    """A fixed interval, counted from the beginning of time, so that a restart changes nothing."""

    minutes: int

    def next_due(self, after: datetime) -> datetime:
        return self.last_due(after) + timedelta(minutes=self.minutes)

    def last_due(self, until: datetime) -> datetime:
        step = self.minutes * 60
        return datetime.fromtimestamp(int(until.timestamp()) // step * step, UTC)


def zone_named(name: str | None) -> tzinfo:
    """The time zone of that name; the host's own for None. Raises ScheduleError."""
    try:
        if name is not None:
            return ZoneInfo(name)
        target = str(_LOCALTIME.resolve())
        _, found, local = target.partition("/zoneinfo/")
        if found:
            return ZoneInfo(local)
        with _LOCALTIME.open("rb") as stream:
            return ZoneInfo.from_file(stream, key="host's zone")
    except FileNotFoundError:
        return UTC
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(
            f"no time zone {name!r}: use a name such as Europe/Berlin, or UTC"
        ) from error
