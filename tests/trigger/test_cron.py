from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.runtime import settings_file
from stages.scanners.settings import settings_record
from stages.trigger import cron
from stages.trigger.cron import Cron, Interval, ScheduleError, zone_named
from stages.trigger.plans import problems
from tests.limits import no_file_handles

pytestmark = pytest.mark.slow

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
)
MINUTE = timedelta(minutes=1)


def wall_fields(instant: datetime, zone: ZoneInfo) -> tuple[int, int, int, int, int]:
    wall = instant.astimezone(zone)
    return wall.minute, wall.hour, wall.day, wall.month, wall.isoweekday() % 7


def brute_force(
    minute: int, hour: int, zone: ZoneInfo, start: datetime, days: int
) -> list[datetime]:
    """A fixed time, by trying every minute: the first time that the wall clock shows it."""
    found: list[datetime] = []
    seen: set[tuple[int, int]] = set()
    instant, end = start, start + timedelta(days=days)
    while instant < end:
        wall = instant.astimezone(zone)
        day = (wall.month, wall.day)
        if (wall.hour, wall.minute) == (hour, minute) and day not in seen:
            seen.add(day)
            found.append(instant)
        before = (instant - MINUTE).astimezone(zone)
        leap = (wall.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if leap > timedelta() and day not in seen:
            skipped = before.replace(tzinfo=None) + MINUTE
            wanted = skipped.replace(hour=hour, minute=minute)
            if skipped <= wanted < skipped + leap:
                seen.add(day)
                found.append(instant + (wanted - skipped))
        instant += MINUTE
    return sorted(found)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("minute", "hour"), [(30, 2), (30, 1), (0, 3), (15, 0), (59, 23)])
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_a_fixed_time_runs_once_a_day_whatever_the_clock_does(
    zone: str, minute: int, hour: int, month: int
) -> None:
    start, days = datetime(2026, month, 1, tzinfo=UTC), 16
    cron = Cron(f"{minute} {hour} * * *", ZoneInfo(zone))
    found: list[datetime] = []
    due = cron.next_due(start - timedelta(seconds=1))
    while due < start + timedelta(days=days):
        found.append(due)
        due = cron.next_due(due)
    assert found == brute_force(minute, hour, ZoneInfo(zone), start, days)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_every_hour_runs_every_real_hour(zone: str) -> None:
    cron = Cron("0 * * * *", ZoneInfo(zone))
    due = datetime(2026, 3, 1, tzinfo=UTC)
    for _ in range(24 * 270):
        after = cron.next_due(due)
        assert after - due == timedelta(hours=1)
        due = after


def every_instant(
    expression: str, zone: ZoneInfo, start: datetime, end: datetime
) -> list[datetime]:
    """All due times, by trying every minute of the wall clock."""
    every_hour = expression.split()[1].startswith("*")
    found: set[datetime] = set()
    wall = (start - timedelta(days=1)).replace(tzinfo=None)
    while wall < (end + timedelta(days=1)).replace(tzinfo=None):
        if croniter.match(expression, wall):
            first = wall.replace(tzinfo=zone).astimezone(UTC)
            second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
            found |= {first, second} if every_hour and second > first else {first}
        wall += MINUTE
    return sorted(instant for instant in found if start < instant <= end)


@pytest.mark.parametrize(
    "expression", ["*/10 * * * *", "*/20 1-3 * * *", "7 * * * *", "0 */2 * * *"]
)
@pytest.mark.parametrize(
    ("zone", "leap"),
    [
        ("Europe/Berlin", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00Z"),
        ("America/New_York", "2026-03-08T07:00Z"),
        ("America/New_York", "2026-11-01T06:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
        ("Asia/Kolkata", "2026-07-01T00:00Z"),
    ],
)
def test_a_dense_schedule_is_the_same_forwards_and_backwards_around_every_change_of_the_clock(
    expression: str, zone: str, leap: str
) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    start = datetime.fromisoformat(leap) - timedelta(hours=9)
    end = start + timedelta(hours=18)
    expected = every_instant(expression, ZoneInfo(zone), start, end)
    forwards, due = [], start
    while (due := cron.next_due(due)) <= end:
        forwards.append(due)
    backwards, due = [], end
    while (due := cron.last_due(due)) > start:
        backwards.append(due)
        due -= timedelta(seconds=1)
    assert forwards == expected
    assert backwards[::-1] == expected


@pytest.mark.parametrize(
    ("days", "weekdays", "due"),
    [
        # cronie: DOM_STAR and DOW_STAR are set by a field that begins with `*`, and then both hold.
        ("*/32,1-7", "2", ["11-03", "12-01"]),
        ("*/15", "1", ["11-16", "02-01"]),
        ("*", "0,6", ["11-01", "11-07"]),
        ("1-7", "*/6", ["11-01", "11-07"]),
        ("13", "*", ["11-13", "12-13"]),
        ("1-31/15", "1", ["11-01", "11-02"]),
        ("13", "5", ["11-06", "11-13"]),
        ("30", "1-7", ["11-01", "11-02"]),
        # A `*` further on in a field sets no flag, so either one is enough, and each day is due.
        ("13", "7,*", ["11-01", "11-02", "11-03"]),
        ("1-7,*", "1", ["11-01", "11-02", "11-03"]),
        ("13", "2,*/3", ["11-01", "11-03", "11-04", "11-07", "11-08", "11-10", "11-11", "11-13"]),
        ("1,*/2", "0-6", ["11-01", "11-02", "11-03"]),
    ],
)
def test_days_are_combined_as_in_cronie(days: str, weekdays: str, due: list[str]) -> None:
    cron = Cron(f"0 3 {days} * {weekdays}", ZoneInfo("UTC"))
    found: list[str] = []
    at = datetime(2026, 11, 1, tzinfo=UTC)
    while len(found) < len(due):
        at = cron.next_due(at)
        found.append(f"{at:%m-%d}")
    assert found == due


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("0 3 29 2 */7", ["2032-02-29", "2060-02-29", "2088-02-29"]),
        ("0 3 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 3 */31 2 1", ["2027-02-01", "2038-02-01", "2044-02-01"]),
    ],
)
def test_a_rare_day_is_found_however_far_it_is(expression: str, due: list[str]) -> None:
    cron, at = Cron(expression, ZoneInfo("UTC")), datetime(2026, 1, 1, tzinfo=UTC)
    for expected in due:
        at = cron.next_due(at)
        assert f"{at:%Y-%m-%d}" == expected
    assert cron.last_due(at) == at


@pytest.mark.shared
def test_the_case_of_a_star_in_the_day_of_the_month(cases: Path) -> None:
    expression = (cases / "cron-star-in-day-of-month.txt").read_text().strip()
    cron, at = Cron(expression, ZoneInfo("UTC")), datetime(2026, 11, 25, tzinfo=UTC)
    for expected in ("2026-12-01", "2027-01-05", "2027-02-02"):
        at = cron.next_due(at)
        assert f"{at:%Y-%m-%d}" == expected


expressions = st.sampled_from(
    [
        "0 3 * * 0",
        "*/5 * * * *",
        "30 2 * * *",
        "0 0 1 * *",
        "0 0 29 2 *",
        "15 1,13 * * 1-5",
        "@weekly",
        "@hourly",
    ]
)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


@given(expressions, st.sampled_from(ZONES), instants)
def test_next_and_last_are_from_one_sequence(expression: str, zone: str, at: datetime) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    due = cron.next_due(at)
    assert due > at
    assert cron.last_due(due) == due
    before = cron.last_due(due - timedelta(seconds=1))
    assert before <= at
    assert cron.next_due(before) == due


@given(st.integers(60, 10080), instants)
def test_an_interval_is_the_same_at_any_time_of_evaluation(minutes: int, at: datetime) -> None:
    every = Interval(minutes)
    assert every.last_due(at) <= at < every.next_due(at)
    assert every.next_due(at) - every.last_due(at) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "0 0 * * * *",
        "61 * * * *",
        "a b c d e",
        "0 0 31 2 *",
        "@reboot",
        "H H * * *",
        "0 3 * * 9",
    ],
)
def test_an_invalid_expression_is_explained(expression: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        Cron(expression, UTC)
    assert repr(expression) in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("60 3 * * 0", "'60' is not a valid minute (0-59)"),
        ("0 61 * * 0", "'61' is not a valid hour (0-23)"),
        ("0 3 0 * *", "'0' is not a valid day of the month (1-31)"),
        ("0 3 * 13 *", "'13' is not a valid month (1-12)"),
        ("0 3 * * mun", "'mun' is not a valid day of the week (0-7)"),
        ("*/0 3 * * *", "'*/0' is not a valid minute (0-59)"),
        ("0 0 31 2 *", "there is no such day within 40 years"),
    ],
)
def test_the_explanation_names_the_field(expression: str, why: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        Cron(expression, UTC)
    assert str(caught.value) == f"{expression!r}: {why}"


def test_time_zones_are_found_by_name() -> None:
    assert zone_named("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert zone_named(None) is not None
    for name in ("Europe/Atlantis", "../../etc/passwd", ""):
        with pytest.raises(ScheduleError, match="no time zone"):
            zone_named(name)


def test_a_link_to_a_zone_that_is_not_installed_is_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = tmp_path / "localtime"
    monkeypatch.setattr(cron, "_LOCALTIME", local)
    local.symlink_to("/usr/share/zoneinfo/Mars/Base")
    assert zone_named(None) == UTC
    local.unlink()
    local.write_text("no time zone")
    with pytest.raises(ScheduleError, match=f"{local}: is not a time zone: .* set-timezone"):
        zone_named(None)


def test_without_file_handles_a_time_zone_is_not_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = tmp_path / "localtime"
    local.write_bytes(Path("/usr/share/zoneinfo/Europe/Berlin").read_bytes())
    monkeypatch.setattr(cron, "_LOCALTIME", local)
    config = tmp_path / "config.yml"
    config.write_text("{}")

    def check(settings: Settings) -> list[KeyProblem]:
        with no_file_handles():
            return problems(settings)

    # Another test may have had this zone, which is then not opened again.
    ZoneInfo.clear_cache(only_keys=["Pacific/Kiritimati"])
    with no_file_handles():
        for name in (None, "Pacific/Kiritimati"):
            with pytest.raises(OSError, match="Too many open files"):
                zone_named(name)
    loaded = settings_file.load(config, settings_record(), check)
    assert loaded.may_pass
    assert settings_file.load(config, settings_record(), problems).problems == ()
