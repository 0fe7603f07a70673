from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import ScanId, new_scan_id, requested_at
from spool.retention import expired

moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
ids = st.builds(
    lambda at, n: new_scan_id("openscap", at, f"{n:08x}"), moments, st.integers(0, 2**32 - 1)
)
boxes = st.sets(ids, max_size=20)


@given(boxes, boxes, boxes, st.integers(0, 400), st.integers(1, 10))
def test_only_what_is_done_and_gone_upstream_and_old_expires(
    own: set[ScanId], upstream: set[ScanId], done: set[ScanId], days: int, keep_last: int
) -> None:
    gone = set(expired(own, upstream, done, timedelta(days=days), keep_last))
    assert gone <= own & done - upstream
    assert len(own - gone) >= min(keep_last, len(own))
    assert all(requested_at(max(own)) - requested_at(i) > timedelta(days=days) for i in gone)


@given(boxes)
def test_everything_old_and_done_goes_in_the_end(own: set[ScanId]) -> None:
    gone = expired(own, (), own, timedelta(0), 1)
    left = own - set(gone)
    assert all(requested_at(i) == requested_at(max(own)) or i == max(own) for i in left)


def test_a_clock_that_jumped_ten_years_expires_nothing_until_a_scan_was_made() -> None:
    # The clock is not an input: only a new entry can make others old.
    at = datetime(2026, 11, 1, tzinfo=UTC)
    own = [new_scan_id("openscap", at + timedelta(days=n), f"{n:08x}") for n in range(10)]
    assert expired(own, (), own, timedelta(days=30), 1) == []
