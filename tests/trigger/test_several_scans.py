"""Several scans of one scanner, each with its own schedule, and a clock that the test sets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.request import Request
from schemas.schedule import ServerOverrides
from stages.scanners.settings import check_settings
from stages.trigger.plans import next_due, plans, problems
from stages.trigger.request_writer import RequestWriter
from stages.trigger.scheduler import Scheduler
from tests.trigger.worker import At, process_at

NOON = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
CIS = {"profile": "cis", "schedule": "0 3 * * *"}
STIG = {"profile": ["stig", "disa_stig"], "schedule": "0 5 * * *", "tailoring": "/etc/stig.xml"}
MONTHLY = {"profile": "all", "schedule": "0 4 1 * *", "content": "/opt/own-ds.xml"}


def compliance(*scans: dict[str, Any], **schedules: Any) -> dict[str, Any]:
    return {
        "schedules": {"time_zone": "UTC", "splay_s": 0, **schedules},
        "openscap": {"scans": list(scans)},
    }


@pytest.fixture
def process(tmp_path: Path) -> Iterator[At]:
    process = process_at(NOON, tmp_path / "spool", compliance=compliance(CIS, STIG))
    yield process
    process.spool.release()


@pytest.fixture
def scheduler(process: At) -> Scheduler:
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    return scheduler


def settings(*scans: dict[str, Any], **schedules: Any) -> Any:
    checked, wrong = check_settings({"compliance": compliance(*scans, **schedules)})
    assert wrong == []
    return checked


def reload(process: At, *scans: dict[str, Any], **schedules: Any) -> None:
    process.settings = settings(*scans, **schedules)


def walk(process: At, scheduler: Scheduler, hours: int) -> list[str]:
    """The requests of these hours, by profile and due time."""
    before = len(process.requests)
    for _ in range(hours * 12):
        process.moment += timedelta(minutes=5)
        scheduler.run_once(ServerOverrides())
    return [due_of(request) for request in process.requests[before:]]


def due_of(request: Request) -> str:
    _, _, at = (request.reason.detail or "").partition(", due ")
    return f"{request.profile_text} {at}"


def states(process: At) -> list[str]:
    names = process.state_store.names()
    return [name for name in names if name.startswith("schedule-openscap")]


def test_each_scan_is_requested_when_it_is_due_with_all_that_it_is_scanned_with(
    process: At, scheduler: Scheduler
) -> None:
    assert walk(process, scheduler, hours=48) == [
        "cis 2026-06-02 03:00Z",
        "stig, disa_stig 2026-06-02 05:00Z",
        "cis 2026-06-03 03:00Z",
        "stig, disa_stig 2026-06-03 05:00Z",
    ]
    cis, stig, *_ = process.requests
    assert (cis.profile, cis.tailoring, cis.content) == ("cis", None, None)
    assert (stig.profile, stig.tailoring) == (("stig", "disa_stig"), "/etc/stig.xml")


def test_scans_that_are_due_at_the_same_time_are_both_requested(process: At) -> None:
    reload(process, CIS, {**STIG, "schedule": "0 3 * * *"})
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    assert walk(process, scheduler, hours=24) == [
        "cis 2026-06-02 03:00Z",
        "stig, disa_stig 2026-06-02 03:00Z",
    ]


def test_a_missed_scan_is_made_up_for_and_one_that_was_not_missed_is_not(process: At) -> None:
    reload(process, CIS, MONTHLY)
    Scheduler(process, RequestWriter(process)).run_once(ServerOverrides())
    process.moment += timedelta(days=3)
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    assert process.requests == [], "not at the start"
    process.moment += timedelta(seconds=121)
    scheduler.run_once(ServerOverrides())
    assert [due_of(request) for request in process.requests] == ["cis 2026-06-04 03:00Z"]


def test_each_of_several_missed_scans_is_made_up_for_once(
    process: At, scheduler: Scheduler
) -> None:
    process.moment += timedelta(days=5)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(seconds=121)
    scheduler.run_once(ServerOverrides())
    assert [due_of(request) for request in process.requests] == [
        "cis 2026-06-06 03:00Z",
        "stig, disa_stig 2026-06-06 05:00Z",
    ]


def test_a_scan_that_is_missed_is_skipped_where_the_settings_say_so(process: At) -> None:
    reload(process, CIS, STIG, missed="skip")
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(hours=20)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(seconds=121)
    scheduler.run_once(ServerOverrides())
    assert process.requests == []
    log = process.log_text.getvalue()
    assert log.count("missed scan skipped") == 2
    assert "cis" in log


def test_a_list_in_another_order_neither_duplicates_nor_loses_a_scan(
    process: At, scheduler: Scheduler
) -> None:
    process.moment = NOON.replace(day=2, hour=4)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(minutes=3)
    scheduler.run_once(ServerOverrides())
    before = states(process)
    assert len(process.requests) == 1
    reload(process, MONTHLY, STIG, CIS)
    assert walk(process, scheduler, hours=24) == [
        "stig, disa_stig 2026-06-02 05:00Z",
        "cis 2026-06-03 03:00Z",
    ]
    assert set(before) < set(states(process))


def test_a_scan_that_leaves_the_settings_is_forgotten_and_comes_back_as_a_new_one(
    process: At, scheduler: Scheduler
) -> None:
    assert len(states(process)) == 2
    reload(process, CIS)
    scheduler.run_once(ServerOverrides())
    assert len(states(process)) == 1
    assert walk(process, scheduler, hours=24) == ["cis 2026-06-02 03:00Z"]
    reload(process, CIS, STIG)
    assert walk(process, scheduler, hours=2) == [], "nothing of the past"
    assert walk(process, scheduler, hours=24) == [
        "cis 2026-06-03 03:00Z",
        "stig, disa_stig 2026-06-03 05:00Z",
    ]


def test_what_left_the_settings_while_the_stage_was_stopped_is_forgotten_too(
    process: At, scheduler: Scheduler
) -> None:
    scheduler.run_once(ServerOverrides())
    reload(process, STIG)
    Scheduler(process, RequestWriter(process)).run_once(ServerOverrides())
    assert len(states(process)) == 1


def test_one_scan_that_becomes_the_first_of_several_does_not_run_again(tmp_path: Path) -> None:
    single = {"schedules": {"time_zone": "UTC", "splay_s": 300}, "openscap": CIS}
    process = process_at(NOON, tmp_path / "spool", compliance=single)
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    assert len(walk(process, scheduler, hours=16)) == 1
    assert process.requests[0].profile is None, "the only scan needs no name"
    reload(process, CIS, STIG, splay_s=300)
    assert walk(process, scheduler, hours=12) == ["stig, disa_stig 2026-06-02 05:00Z"]
    assert len(states(process)) == 2
    process.spool.release()


def test_a_scan_without_a_schedule_is_never_requested(process: At) -> None:
    reload(process, {**CIS, "schedule": None}, STIG)
    scheduler = Scheduler(process, RequestWriter(process))
    scheduler.run_once(ServerOverrides())
    assert walk(process, scheduler, hours=24) == ["stig, disa_stig 2026-06-02 05:00Z"]


def test_the_interval_of_the_server_is_that_of_the_first_scan() -> None:
    found = plans(settings(CIS, STIG, MONTHLY), ServerOverrides(interval_minutes=60))
    by_profile = {plan.scan.profile_text: plan.text for plan in found if plan.scanner == "openscap"}
    assert by_profile == {
        "cis": "every 60 min, set by the server",
        "stig, disa_stig": "0 5 * * *",
        "all": "0 4 1 * *",
    }


@pytest.mark.parametrize(
    "overrides",
    [
        ServerOverrides(mode="on-demand"),
        ServerOverrides(mode="disabled"),
        ServerOverrides(scanners={"openscap": False}),
    ],
)
def test_what_the_server_switches_off_is_off_for_every_scan(
    process: At, scheduler: Scheduler, overrides: ServerOverrides
) -> None:
    process.moment += timedelta(days=1)
    found = [due for due in scheduler.run_once(overrides) if due.scanner == "openscap"]
    assert found == []
    process.moment += timedelta(seconds=200)
    scheduler.run_once(ServerOverrides())
    process.moment += timedelta(seconds=200)
    scheduler.run_once(ServerOverrides())
    assert process.requests == [], "what fell due while it was off is not missed"


def test_the_next_due_time_of_each_scan_is_known_without_a_running_stage() -> None:
    found = next_due(settings(CIS, STIG, MONTHLY), ServerOverrides(), NOON)
    assert [(due.profile, due.tailoring, due.content, due.at) for due in found] == [
        ("cis", None, None, datetime(2026, 6, 2, 3, tzinfo=UTC)),
        ("stig, disa_stig", "/etc/stig.xml", None, datetime(2026, 6, 2, 5, tzinfo=UTC)),
        ("all", None, "/opt/own-ds.xml", datetime(2026, 7, 1, 4, tzinfo=UTC)),
    ]


def test_each_wrong_schedule_of_the_list_is_reported() -> None:
    wrong = settings(CIS, {**STIG, "schedule": "daily"}, {**MONTHLY, "schedule": "61 * * * *"})
    first, second = map(str, problems(wrong))
    assert first.startswith("compliance.openscap.scans[1].schedule: 'daily' has 1 field,")
    assert second == (
        "compliance.openscap.scans[2].schedule: '61 * * * *': '61' is not a valid minute (0-59)"
    )
