"""When the destination is tried again, and how fast it is sent to."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.ship.backoff import CEILING_S, FIRST_S, Backoff, Pace

DAY_S = 24 * 3600


@pytest.mark.parametrize("failures", [1, 2, 3, 5, 8, 9, 40, 5000])
def test_the_jitter_is_full_from_5_seconds_to_15_minutes(failures: int) -> None:
    waits = []
    for _ in range(200):
        backoff = Backoff()
        backoff.failures = failures - 1
        waits.append(backoff.failed(0))
    ceiling = min(CEILING_S, FIRST_S * 2 ** min(failures - 1, 20))
    assert 0 <= min(waits) < ceiling / 4
    assert ceiling * 3 / 4 < max(waits) <= ceiling
    assert statistics.mean(waits) == pytest.approx(ceiling / 2, rel=0.25)


def test_a_named_time_is_never_cut_short_and_gets_jitter_on_top() -> None:
    waits = [Backoff().failed(0, 120) for _ in range(100)]
    assert min(waits) >= 120
    assert max(waits) <= 125
    assert len(set(waits)) > 50


def test_no_wait_is_longer_than_a_day() -> None:
    assert Backoff().failed(0, DAY_S) == DAY_S


def test_a_pause_grows_from_a_minute_to_an_hour_and_probes_for_ever() -> None:
    backoff = Backoff()
    waits = [backoff.paused(0) for _ in range(1000)]
    assert 30 <= waits[0] <= 60
    assert all(1800 <= wait <= 3600 for wait in waits[7:])
    assert all(early <= 60 * 2**number for number, early in enumerate(waits[:6]))


def test_a_pause_is_at_least_as_long_as_the_server_asks() -> None:
    waits = [Backoff().paused(0, 600) for _ in range(100)]
    assert min(waits) >= 600
    assert max(waits) <= 605
    assert Backoff().paused(0, 1) >= 30
    assert Backoff().retry_after(0, 2 * DAY_S) == DAY_S


def test_a_pause_after_temporary_trouble_begins_with_short_waits() -> None:
    backoff = Backoff()
    for _ in range(50):
        backoff.failed(0)
    assert backoff.paused(0) <= 60


def test_success_forgets_the_failures() -> None:
    backoff = Backoff()
    for _ in range(50):
        backoff.failed(0)
    backoff.succeeded()
    assert backoff.due_in_s(0) == 0
    assert backoff.failed(0) <= FIRST_S


def test_the_operators_retry_is_now_and_the_next_failure_waits_on() -> None:
    backoff = Backoff()
    for _ in range(20):
        backoff.failed(0, 3600)
    backoff.try_now()
    assert backoff.due_in_s(0) == 0
    assert backoff.failures == 20


@given(
    per_minute=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_minute_ever_holds_more_requests_than_the_setting(
    per_minute: int, gaps: list[float]
) -> None:
    pace, now, sent = Pace(), 0.0, list[float]()
    for gap in gaps:
        now += gap + pace.due_in_s(now + gap, per_minute)
        pace.sent(now)
        sent.append(now)
    for start in sent:
        # Rounding of sums of floats may move a moment by less than a microsecond.
        assert sum(start <= moment < start + 60 - 1e-6 for moment in sent) <= per_minute


def test_the_first_requests_of_a_minute_need_not_wait() -> None:
    pace = Pace()
    for now in range(9):
        assert pace.due_in_s(now, 9) == 0
        pace.sent(now)
    assert pace.due_in_s(9, 9) == 51
    assert pace.due_in_s(9, 0) == 0


def test_a_server_that_is_back_is_tried_soon_unless_it_named_a_time_itself() -> None:
    backoff = Backoff()
    for _ in range(12):
        backoff.failed(0.0)
    backoff.reached(0.0)
    assert backoff.due_in_s(0.0) <= 5
    backoff.failed(0.0, retry_after_s=600)
    backoff.reached(0.0)
    assert backoff.due_in_s(0.0) >= 600
