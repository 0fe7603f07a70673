"""When a schedule is due. Pure, except that it reads the host's time zone; the only importer of
croniter.

An expression is read in the wall-clock time of a zone. Daylight saving follows Vixie cron:

- Where the hour begins with `*`, the schedule runs every real hour.
- A fixed time runs once a day. Where the clock shows it twice, it runs at the first; where the
  clock skips it, it runs right after the gap.

An example, Europe/Berlin with `30 2 * * *`: on 29 March 2026 the clock goes from 2:00 to 3:00, 2:30
does not exist, and the scan runs at 3:30. On 25 October it goes from 3:00 back to 2:00, 2:30 exists
twice, and the scan runs at the first. croniter knows only wall-clock times without a zone, in their
order. Near a change that is not the order of real time, so the functions below begin a little
earlier, look a little further than the first match, and take the best of the candidates.

Day of the month and day of the week are combined as in cronie: where both are restricted, either
one is enough; but where one of them begins with `*`, both must hold. So `0 3 */32,1-7 * 2` is due
on the first Tuesday of a month, and `0 3 1-7 * 2` on the first seven days and on every Tuesday.

Diagnostics: ScheduleError, which explains what is wrong with an expression or a time zone.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from croniter.croniter import CroniterError

from schemas.records import Struct
from spool.errors import is_of_the_machine
from stages.runtime.printable import counted

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LOCALTIME = Path("/etc/localtime")
_FIELDS = (
    "minute (0-59)",
    "hour (0-23)",
    "day of the month (1-31)",
    "month (1-12)",
    "day of the week (0-7)",
)
_WHOLE_RANGES = {2: "1-31", 4: "0-6"}
# No zone in use moves its clock by more at once.
_LONGEST_CHANGE = timedelta(hours=3)
# The 29th of February on one day of the week comes back after 28 years, or 40 around 2100.
_YEARS = 40
# croniter's own: `r`, `h(0-5)`, `R/15`.
_RANDOM_FIELD = re.compile(r"[hr]\b", re.IGNORECASE)


class ScheduleError(ValueError):
    """An expression that is never due, or that can't be read."""


class Cron(Struct, frozen=True):
    """A cron expression in a time zone."""

    expression: str
    zone: tzinfo

    def __post_init__(self) -> None:
        fields = self._fields
        if len(fields) != len(_FIELDS):
            raise ScheduleError(
                f"{self.expression!r} has {counted(len(fields), 'field')}, "
                "a cron expression has five: "
                "minute hour day-of-month month day-of-week, for instance '0 3 * * 0'"
            )
        if any(map(_RANDOM_FIELD.match, fields)):
            raise ScheduleError(
                f"{self.expression!r}: H and R are not cron: use splay to spread a fleet"
            )
        try:
            start = datetime(2024, 1, 1)  # noqa: DTZ001
            self._iterator(start).get_next()
        except (CroniterError, ValueError, KeyError) as error:
            raise ScheduleError(f"{self.expression!r}: {_explained(fields)}") from error

    def next_due(self, after: datetime) -> datetime:
        """The first due time after `after`, both UTC."""
        walls = self._walls(after - _LONGEST_CHANGE)
        found: list[datetime] = []
        while True:
            wall = walls.get_next(datetime)
            if found and wall > self._wall(min(found)) + _LONGEST_CHANGE:
                return min(found)
            found += [instant for instant in self._instants(wall) if instant > after]

    def last_due(self, until: datetime) -> datetime:
        """The last due time that is not after `until`, both UTC."""
        walls = self._walls(until + _LONGEST_CHANGE)
        found: list[datetime] = []
        while True:
            wall = walls.get_prev(datetime)
            if found and wall < self._wall(max(found)) - _LONGEST_CHANGE:
                return max(found)
            found += [instant for instant in self._instants(wall) if instant <= until]

    @property
    def _fields(self) -> list[str]:
        return _ALIASES.get(self.expression, self.expression).split()

    @property
    def is_every_hour(self) -> bool:
        """Whether it means real hours, and not times of day."""
        return self._fields[1].startswith("*")

    def _walls(self, start: datetime) -> croniter:
        """The due times of the wall clock, from `start` in either direction."""
        return self._iterator(self._wall(start))

    def _iterator(self, wall: datetime) -> croniter:
        fields = self._fields
        must_both_hold = "*" in (fields[2][0], fields[4][0])
        return croniter(
            _with_ranges(fields),
            wall,
            day_or=not must_both_hold,
            max_years_between_matches=_YEARS,
        )

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def _instants(self, wall: datetime) -> list[datetime]:
        """When the wall clock shows this time: once, twice, or, if it is skipped, after the gap."""
        first = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        second = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if second > first and self.is_every_hour:
            return [first, second]
        # In a gap, fold 0 counts with the offset before it, which leads to just after it.
        return [first]


def _with_ranges(fields: Sequence[str]) -> str:
    """The expression with each `*` inside a list of days as a range: `7,*` as `7,0-6`.

    croniter takes any `*` for a day that is not restricted, cronie only one that begins the field.
    """
    replaced = list(fields)
    for place, whole in _WHOLE_RANGES.items():
        if not fields[place].startswith("*"):
            replaced[place] = fields[place].replace("*", whole)
    return " ".join(replaced)


def _explained(fields: Sequence[str]) -> str:
    """Which field is wrong: each is tried with the other four as `*`."""
    for place, (field, meaning) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = ["*"] * len(_FIELDS)
        alone[place] = field
        if not croniter.is_valid(" ".join(alone)):
            return f"{field!r} is not a valid {meaning}"
    return f"there is no such day within {_YEARS} years"


class Interval(Struct, frozen=True):
    """A fixed interval, counted from the epoch, so that a restart changes nothing."""

    minutes: int

    def next_due(self, after: datetime) -> datetime:
        return self.last_due(after) + timedelta(minutes=self.minutes)

    def last_due(self, until: datetime) -> datetime:
        step = self.minutes * 60
        return datetime.fromtimestamp(int(until.timestamp()) // step * step, UTC)


def zone_named(name: str | None) -> tzinfo:
    """The time zone of this name, the host's own for None.

    Raises ScheduleError, and OSError for trouble of the machine.
    """
    if name is None:
        return _host_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _no_zone(name) from error
    except OSError as error:
        if is_of_the_machine(error):
            raise
        raise _no_zone(name) from error


def _host_zone() -> tzinfo:
    """By its name, where it has one. A link that leads nowhere is UTC, as for every program."""
    _, found, local = str(_LOCALTIME.resolve()).partition("/zoneinfo/")
    if found:
        with suppress(ZoneInfoNotFoundError, ValueError):
            return ZoneInfo(local)
    try:
        with _LOCALTIME.open("rb") as stream:
            return ZoneInfo.from_file(stream, key="host's zone")
    except FileNotFoundError:
        return UTC
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and is_of_the_machine(error):
            raise
        raise ScheduleError(
            f"{_LOCALTIME}: is not a time zone: {error}: timedatectl set-timezone, or set "
            "compliance.schedules.time_zone"
        ) from error


def _no_zone(name: str) -> ScheduleError:
    return ScheduleError(f"no time zone {name!r}: use a name such as Europe/Berlin, or UTC")
