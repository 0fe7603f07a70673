"""Schedules with state and entries on disk, and a clock that the test sets."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.ids import requested_at
from schemas.request import Reason, Request
from schemas.schedule import ServerOverrides
from stages.scanners.settings import check_settings
from stages.trigger.plans import next_due, plans, problems
from stages.trigger.request_writer import RequestWriter
from stages.trigger.scheduler import Scheduler
from tests.trigger.worker import At, process_at

pytestmark = pytest.mark.slow

NOON = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
DAILY = {"schedules": {"time_zone": "UTC", "splay_s": 0}, "openscap": {"schedule": "0 3 * * *"}}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[At]:
    process = process_at(NOON, tmp_path / "spool", compliance=DAILY)
    yield process
    process.spool.release()


def a_scheduler(process: At) -> Scheduler:
    return Scheduler(process, RequestWriter(process))


def note(process: At) -> Path:
    return process.state_store.path / "schedule-openscap"


def test_a_crash_between_request_and_state_neither_duplicates_nor_loses_a_scan(process: At) -> None:
    a_scheduler(process).run_once(ServerOverrides())
    before = note(process).read_bytes()
    process.moment += timedelta(hours=15)
    a_scheduler(process).run_once(ServerOverrides())
    assert len(process.requests) == 1
    for seconds in (0, 7, 200):
        process.moment += timedelta(seconds=seconds)
        note(process).write_bytes(before)
        a_scheduler(process).run_once(ServerOverrides())
        assert len(process.requests) == 1, "the state was lost, the request is there"
    process.moment += timedelta(days=1)
    scheduler = a_scheduler(process)
    scheduler.run_once(ServerOverrides())
    assert len(process.requests) == 1, "missed, but not at boot"
    process.moment += timedelta(seconds=121)
    scheduler.run_once(ServerOverrides())
    assert len(process.requests) == 2


def test_without_its_state_a_schedule_requests_nothing_of_the_past(process: At) -> None:
    scheduler = a_scheduler(process)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(days=3)
    note(process).unlink()
    scheduler.run_once(ServerOverrides())
    assert process.requests == []


def test_the_id_of_a_late_scan_has_the_time_of_the_request(process: At) -> None:
    """A later id is a newer scan: one that is made up for must not look like an old one."""
    scheduler = a_scheduler(process)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(days=2)
    scheduler.run_once(ServerOverrides())
    writer = RequestWriter(process)
    writer.write(writer.make("openscap", None, Reason(source="operator", at=process.moment)))
    process.moment += timedelta(minutes=5)
    scheduler.run_once(ServerOverrides())
    by_source = {request.reason.source: request for request in process.requests}
    late = by_source["schedule"]
    assert late.scan_id > by_source["operator"].scan_id
    assert requested_at(late.scan_id) == process.moment.replace(microsecond=0)
    assert "due 2026-06-03 03:00Z" in (late.reason.detail or "")


@pytest.mark.parametrize("years", [-30, 30])
def test_a_clock_set_after_the_start_does_not_postpone_what_was_missed(
    process: At, years: int
) -> None:
    a_scheduler(process).run_once(ServerOverrides())
    process.moment += timedelta(days=365 * years)
    scheduler = a_scheduler(process)
    process.moment -= timedelta(days=365 * years)
    process.moment += timedelta(days=2)
    scheduler.run_once(ServerOverrides())
    assert process.requests == [], "not at boot"
    process.moment += timedelta(seconds=125)
    scheduler.run_once(ServerOverrides())
    assert len(process.requests) == 1


def test_after_a_suspend_a_missed_scan_waits_a_little_too(process: At) -> None:
    scheduler = a_scheduler(process)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(hours=20)
    for seconds, count in ((0, 0), (60, 0), (61, 1), (60, 1)):
        process.moment += timedelta(seconds=seconds)
        scheduler.run_once(ServerOverrides())
        assert len(process.requests) == count


def test_between_two_due_times_a_decision_is_repeated_only_if_something_has_changed(
    process: At,
) -> None:
    scheduler = a_scheduler(process)
    (first,) = scheduler.run_once(ServerOverrides())
    process.moment += timedelta(minutes=5)
    (second,) = scheduler.run_once(ServerOverrides())
    assert second is first
    note(process).unlink()
    scheduler.run_once(ServerOverrides())
    assert note(process).exists(), "a lost note is made up for before the next due time"
    process.moment -= timedelta(minutes=6)
    (third,) = scheduler.run_once(ServerOverrides())
    assert third is not first, "the clock was set back"


def test_a_schedule_that_was_switched_off_makes_up_for_nothing_when_switched_on(
    process: At,
) -> None:
    scheduler = a_scheduler(process)
    for mode, days, count in (
        ("enabled", 0, 0),
        ("on-demand", 3, 0),
        ("enabled", 0, 0),
        ("enabled", 1, 1),
    ):
        process.moment += timedelta(days=days)
        scheduler.run_once(ServerOverrides(mode=mode))  # type: ignore[arg-type]
        process.moment += timedelta(seconds=130)
        scheduler.run_once(ServerOverrides(mode=mode))  # type: ignore[arg-type]
        assert len(process.requests) == count


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "UTC"])
def test_a_host_that_moves_to_another_zone_runs_once_a_day_there(process: At, zone: str) -> None:
    """At any hour, before and after the day's scan: none is duplicated, none is skipped."""
    for hour in range(0, 24, 3):
        for request in process.spool.requests.names():
            process.spool.requests.remove(request)
        process.moment = NOON + timedelta(days=20 * hour)
        process.settings = settings(**{**DAILY, "schedules": {"time_zone": "UTC", "splay_s": 0}})
        note(process).unlink(missing_ok=True)
        scheduler = a_scheduler(process)
        walk(process, scheduler, hours=48 + hour)
        process.settings = settings(**{**DAILY, "schedules": {"time_zone": zone, "splay_s": 0}})
        walk(process, scheduler, hours=72)
        days = [due_of(request, zone) for request in process.requests]
        assert len(set(days)) == len(days), "none doubled"
        assert all(after - before == timedelta(days=1) for before, after in pairwise(days)), (
            "none skipped"
        )


def walk(process: At, scheduler: Scheduler, hours: int) -> None:
    for _ in range(hours * 12):
        process.moment += timedelta(minutes=5)
        scheduler.run_once(ServerOverrides())


def due_of(request: Request, zone: str) -> date:
    """The day on which it was due, in the zone in which it was."""
    _, _, due_text = (request.reason.detail or "").partition("due ")
    at = datetime.strptime(due_text, "%Y-%m-%d %H:%MZ").replace(tzinfo=UTC)
    return at.astimezone(ZoneInfo(zone if zone in (request.reason.detail or "") else "UTC")).date()


def settings(**compliance: Any) -> Any:
    checked, wrong = check_settings({"compliance": compliance})
    assert wrong == []
    return checked


BOTH = {
    "schedules": {"time_zone": "UTC", "splay_s": 0},
    "openscap": {"schedule": "0 3 * * 0"},
    "docker_bench": {"schedule": "0 4 * * 0"},
}


def test_the_next_due_times_are_known_without_a_running_stage() -> None:
    found = {due.scanner: due.at for due in next_due(settings(**BOTH), ServerOverrides(), NOON)}
    assert found == {
        "openscap": datetime(2026, 6, 7, 3, tzinfo=UTC),
        "docker-bench": datetime(2026, 6, 7, 4, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("changes", "overrides", "scanners"),
    [
        ({}, ServerOverrides(), {"openscap", "docker-bench"}),
        ({"enabled": False}, ServerOverrides(mode="enabled"), set()),
        ({}, ServerOverrides(mode="disabled"), set()),
        ({}, ServerOverrides(mode="on-demand"), set()),
        ({}, ServerOverrides(scanners={"openscap": False}), {"docker-bench"}),
        ({"docker_bench": {"enabled": False}}, ServerOverrides(interval_minutes=60), {"openscap"}),
        (
            {"openscap": {}, "docker_bench": {}},
            ServerOverrides(interval_minutes=60),
            {"openscap", "docker-bench"},
        ),
        ({"openscap": {}, "docker_bench": {}}, ServerOverrides(), set()),
    ],
)
def test_what_is_switched_off_on_either_side_has_no_schedule(
    changes: dict[str, Any], overrides: ServerOverrides, scanners: set[str]
) -> None:
    found = plans(settings(**{**BOTH, **changes}), overrides)
    assert {plan.scanner for plan in found} == scanners


@pytest.mark.parametrize(
    ("changes", "missing", "scanners"),
    [
        ({"openscap": {}, "docker_bench": {}}, {"docker-bench"}, {"openscap"}),
        ({"openscap": {}, "docker_bench": {}}, {"openscap"}, {"docker-bench"}),
        ({"openscap": {}, "docker_bench": {}}, {"openscap", "docker-bench"}, {"openscap"}),
        (
            {"docker_bench": {"schedule": "0 4 * * 0", "enabled": True}},
            {"docker-bench"},
            {"openscap", "docker-bench"},
        ),
        # `enabled: auto` has no scan on a host without the scanner, also with a schedule.
        ({}, {"docker-bench"}, {"openscap"}),
        ({"openscap": {"enabled": False}}, {"docker-bench"}, set()),
    ],
)
def test_the_servers_interval_is_for_the_scanners_that_are_here_or_have_a_schedule(
    changes: dict[str, Any], missing: set[Any], scanners: set[str]
) -> None:
    found = plans(settings(**{**BOTH, **changes}), ServerOverrides(interval_minutes=60), missing)
    assert {plan.scanner for plan in found} == scanners


def test_what_is_wrong_with_a_schedule_is_reported_with_its_path() -> None:
    wrong = settings(openscap={"schedule": "0 25 * * *"}, docker_bench={"schedule": "weekly"})
    assert [problem.key for problem in problems(wrong)] == [
        "compliance.openscap.schedule",
        "compliance.docker_bench.schedule",
    ]
    (of_the_zone,) = problems(settings(schedules={"time_zone": "Mars/Olympus"}))
    assert str(of_the_zone).startswith(
        "compliance.schedules.time_zone: no time zone 'Mars/Olympus'"
    )
    assert problems(settings(**BOTH)) == []
