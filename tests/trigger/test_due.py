"""A year of schedules in simulated time, compared with what an observer would count."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.schedule import ScheduleState
from stages.trigger.cron import Cron
from stages.trigger.due import Missed, SchedulePolicy, decide, splay_of
from tests.trigger.test_cron import brute_force

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 1, tzinfo=UTC)
CATCH_UP = timedelta(minutes=2)


@dataclass
class Host:
    """A host with one schedule: the test moves its clock, its state survives restarts."""

    cron: Cron
    splay: timedelta = timedelta(minutes=7)
    missed: Missed = "once"
    now: datetime = START
    started: datetime = START
    state: ScheduleState | None = None
    requested: list[datetime] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)

    def run_once(self) -> datetime:
        policy = SchedulePolicy(
            self.cron.expression, self.splay, self.missed, self.started + CATCH_UP
        )
        decision = decide(self.cron, policy, self.state, self.now)
        self.state = decision.state
        if decision.request:
            self.requested.append(decision.request)
            self.at.append(self.now)
        return decision.next_at

    def run(self, until: datetime) -> None:
        """Decide at the times that the last decision names, and at others, as events do."""
        chance = random.Random(str(until))
        while True:
            next_at = self.run_once()
            step = min(next_at, self.now + timedelta(hours=chance.uniform(0.1, 30)))
            if step > until:
                self.now = until
                return
            self.now = max(step, self.now + timedelta(seconds=1))

    def restart(self) -> None:
        self.started = self.now


def all_due(cron: Cron, start: datetime, end: datetime) -> Iterator[datetime]:
    due = cron.next_due(start)
    while due <= end:
        yield due
        due = cron.next_due(due)


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 3 * * 0", "0 */6 * * *", "15 4 1 * *"])
def test_in_a_year_every_due_time_is_requested_once_after_the_delay_of_the_host(
    expression: str,
) -> None:
    host = Host(Cron(expression, BERLIN))
    host.run(START + timedelta(days=365))
    end = host.now - host.splay
    assert host.requested == list(all_due(host.cron, START - host.splay, end))
    assert all(at - due == host.splay for due, at in zip(host.requested, host.at, strict=True))


def test_restarts_at_any_time_neither_duplicate_nor_lose_a_scan() -> None:
    host = Host(Cron("0 3 * * *", BERLIN))
    chance = random.Random(7)
    while host.now < START + timedelta(days=200):
        host.run(host.now + timedelta(hours=chance.uniform(0.01, 20)))
        host.restart()
    expected = list(
        all_due(host.cron, START - host.splay, host.now - host.splay - timedelta(minutes=10))
    )
    assert host.requested[: len(expected)] == expected
    assert len(set(host.requested)) == len(host.requested)


@pytest.mark.parametrize("seed", range(4))
def test_a_year_of_clock_changes_suspends_and_restarts_has_the_scans_that_an_observer_counts(
    seed: int,
) -> None:
    """Awake at a due time: requested. Asleep: only the last one of the gap is made up for."""
    chance = random.Random(seed)
    host = Host(Cron("30 2 * * *", BERLIN))
    gaps: list[tuple[datetime, datetime]] = []
    while host.now < START + timedelta(days=345):
        host.run(host.now + timedelta(hours=chance.uniform(0.5, 90)))
        asleep, host.now = (
            host.now,
            host.now + timedelta(hours=chance.choice((0.01, 1, 8, 30, 200))),
        )
        if chance.random() < 0.5:
            host.restart()
        gaps.append((asleep, host.now))
    host.run(host.now + timedelta(hours=1))
    due = brute_force(30, 2, BERLIN, START - timedelta(days=1), 364)
    due = [at for at in due if START < at + host.splay <= host.now]
    missed = [
        [at for at in due if start_attempt < at + host.splay < end] for start_attempt, end in gaps
    ]
    expected = set(due) - {at for gap in missed for at in gap[:-1]}
    assert len(host.requested) == len(set(host.requested))
    assert set(host.requested) == expected


def test_eight_hours_of_suspend_are_made_up_for_by_one_scan() -> None:
    host = Host(Cron("0 * * * *", UTC), splay=timedelta())
    host.run(START + timedelta(hours=5, minutes=30))
    before = len(host.requested)
    host.now += timedelta(hours=8)
    host.run(host.now + timedelta(minutes=10))
    assert len(host.requested) == before + 1


def test_after_a_start_a_missed_scan_waits_a_little() -> None:
    host = Host(Cron("0 3 * * *", UTC), splay=timedelta())
    host.run(START + timedelta(hours=2))
    host.now = START + timedelta(hours=9)
    host.restart()
    started, before = host.now, len(host.requested)
    host.run(started + CATCH_UP - timedelta(seconds=1))
    assert len(host.requested) == before
    host.run(started + timedelta(minutes=5))
    assert len(host.requested) == before + 1


def test_missed_scans_are_not_made_up_for_if_the_settings_say_skip() -> None:
    host = Host(Cron("0 3 * * *", UTC), splay=timedelta(), missed="skip")
    host.run(START + timedelta(hours=2))
    host.now = START + timedelta(days=5, hours=9)
    host.restart()
    host.run(host.now + timedelta(hours=1))
    assert host.requested == []
    host.run(host.now + timedelta(days=1))
    assert len(host.requested) == 1


@pytest.mark.parametrize("years", [10, -10, 3, -3])
def test_a_clock_that_jumps_years_and_back_duplicates_nothing_and_blocks_nothing(
    years: int,
) -> None:
    host = Host(Cron("0 3 * * *", UTC), splay=timedelta())
    host.run(START + timedelta(days=10))
    before = list(host.requested)
    jump = timedelta(days=365 * years)
    host.now += jump
    host.run(host.now + timedelta(days=3))
    there = host.requested[len(before) :]
    assert 3 <= len(there) <= 4, "the days there, and at most one to make up for the jump"
    host.now -= jump
    host.run(host.now + timedelta(days=3))
    back = host.requested[len(before) + len(there) :]
    assert 3 <= len(back) <= 4
    assert len(set(host.requested)) == len(host.requested)


def test_a_small_step_back_duplicates_nothing() -> None:
    host = Host(Cron("0 3 * * *", UTC), splay=timedelta())
    host.run(START + timedelta(days=3, hours=3, seconds=1))
    before = list(host.requested)
    host.now -= timedelta(minutes=20)
    host.run(host.now + timedelta(hours=2))
    assert host.requested == before


def test_a_changed_schedule_starts_at_the_time_of_the_change() -> None:
    host = Host(Cron("0 3 * * *", UTC), splay=timedelta(minutes=5))
    host.run(START + timedelta(days=3, hours=12))
    before = list(host.requested)
    host.cron = Cron("0 9 * * *", UTC)
    host.run(START + timedelta(days=3, hours=23))
    assert host.requested == before, "today's 9 o'clock was over before the change"
    host.run(START + timedelta(days=5))
    assert len(host.requested) == len(before) + 1


def test_a_change_during_the_delay_of_the_host_loses_nothing() -> None:
    host = Host(Cron("0 3 * * *", UTC), splay=timedelta(minutes=9))
    host.run(START + timedelta(days=1, hours=3, minutes=4))
    before = len(host.requested)
    host.cron = Cron("0 3 * * 0-6", UTC)
    host.run(START + timedelta(days=1, hours=4))
    assert len(host.requested) == before + 1
    host.cron = Cron("0 3 * * *", UTC)
    host.run(START + timedelta(days=1, hours=5))
    assert len(host.requested) == before + 1, "and doubles nothing"


jumps = st.lists(
    st.tuples(st.sampled_from(["run", "suspend", "restart", "jump"]), st.floats(0.001, 1)),
    min_size=1,
    max_size=25,
)


@given(jumps)
@settings(max_examples=60)
def test_whatever_the_clock_does_no_due_time_is_ever_requested_twice(
    steps: list[tuple[str, float]],
) -> None:
    host = Host(Cron("0 */4 * * *", BERLIN), splay=timedelta(minutes=3))
    for step, size in steps:
        if step == "run":
            host.run(host.now + timedelta(days=3 * size))
        elif step == "suspend":
            host.now += timedelta(days=20 * size)
        elif step == "restart":
            host.restart()
        else:
            host.now += timedelta(days=365 * (size - 0.5))
    assert len(set(host.requested)) == len(host.requested)


def test_a_fleet_of_10000_spreads_evenly_over_the_splay() -> None:
    limit = timedelta(minutes=10)
    delays = [splay_of(f"patchmon_{n:016x}/{n:032x}", "openscap", limit) for n in range(10_000)]
    assert all(timedelta() <= delay < limit for delay in delays)
    per_minute = [0] * 10
    for delay in delays:
        per_minute[int(delay.total_seconds() // 60)] += 1
    # 1000 each, give or take four standard deviations.
    assert all(880 < count < 1120 for count in per_minute), per_minute
    assert delays[0] == splay_of(f"patchmon_{0:016x}/{0:032x}", "openscap", limit)
