from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import SCANNERS, age, asked_at, is_scan_id, new_scan_id, next_scan_id

NOW = datetime(2026, 11, 23, 6, 3, 1, 500_000, tzinfo=UTC)
scanners = st.sampled_from(SCANNERS)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_scans_of_one_second_sort_by_the_moment_they_were_asked_for() -> None:
    made = [new_scan_id("openscap", NOW + timedelta(milliseconds=n)) for n in range(500)]
    assert made == sorted(made)
    assert made[0].startswith("20261123T060301Z-openscap-8000")


def test_scans_of_two_scanners_sort_by_age() -> None:
    made = [new_scan_id(SCANNERS[n % 2], NOW + timedelta(milliseconds=n)) for n in range(500)]
    assert made == sorted(made, key=age)


@given(st.lists(st.tuples(scanners, instants), max_size=20), scanners)
def test_an_id_is_newer_than_all_before_it_but_for_those_far_ahead(
    before: list[tuple[str, datetime]], scanner: str
) -> None:
    known = [new_scan_id(each, at) for each, at in before]  # type: ignore[arg-type]
    made = next_scan_id(scanner, NOW, known)  # type: ignore[arg-type]
    assert is_scan_id(made)
    near = [i for i in known if asked_at(i) <= NOW + timedelta(days=1)]
    assert all(age(made) > age(i) for i in near)
    assert asked_at(made) <= NOW + timedelta(days=1, seconds=1)


def test_a_clock_that_starts_in_1970_makes_no_older_ids() -> None:
    newest = new_scan_id("openscap", NOW)
    made = next_scan_id("docker-bench", datetime(1970, 1, 1, 0, 3, tzinfo=UTC), [newest])
    assert age(made) > age(newest)
    assert asked_at(made) == asked_at(newest)


def test_a_clock_that_stands_still_makes_ids_in_order() -> None:
    made = [new_scan_id("openscap", NOW, "ffffffff")]
    for _ in range(100):
        made.append(next_scan_id("openscap", NOW, made))
    assert made == sorted(set(made))


def test_impossible_and_foreign_names_hold_no_id_back() -> None:
    known = ["20261399T000000Z-openscap-00000000", "99991231T235959Z-openscap-ffffffff", "README"]
    for at in (NOW, datetime(1970, 1, 1, tzinfo=UTC)):
        assert asked_at(next_scan_id("openscap", at, known)) == at.replace(microsecond=0)
