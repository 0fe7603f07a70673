from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import (
    ScanId,
    is_scan_id,
    new_scan_id,
    next_scan_id,
    requested_at,
    scanner_of,
)

NOW = datetime(2026, 11, 23, 6, 3, 1, 500_000, tzinfo=UTC)
scanners = st.sampled_from(("openscap", "docker-bench", "a", "trivy-fs-2"))
instants = st.datetimes(datetime(1970, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_scans_of_one_second_sort_by_the_moment_of_their_request() -> None:
    made = [new_scan_id("openscap", NOW + timedelta(milliseconds=n)) for n in range(500)]
    assert made == sorted(made)
    assert made[0].startswith("20261123T060301Z-openscap-8000")


@given(st.lists(st.tuples(scanners, instants), max_size=30))
def test_ids_strictly_increase_whatever_the_clock_and_the_scanner(
    requests: list[tuple[str, datetime]],
) -> None:
    newest: ScanId | None = None
    for scanner, at in requests:
        made = next_scan_id(scanner, at, newest)
        assert is_scan_id(made)
        assert scanner_of(made) == scanner
        assert newest is None or made > newest
        newest = made


def test_a_clock_that_starts_in_1970_makes_no_older_ids() -> None:
    newest = new_scan_id("openscap", NOW)
    unset = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
    made = next_scan_id("openscap", unset, newest)
    assert made > newest
    assert requested_at(made) == requested_at(newest)
    other = next_scan_id("docker-bench", unset, newest)
    assert other > newest
    assert requested_at(other) == requested_at(newest) + timedelta(seconds=1)


def test_a_clock_that_stands_still_makes_ids_in_order() -> None:
    made = [new_scan_id("openscap", NOW, "ffffffff")]
    for _ in range(100):
        made.append(next_scan_id("openscap", NOW, made[-1], "0000"))
    assert made == sorted(set(made))


def test_an_id_can_name_any_scanner_whose_key_is_well_formed() -> None:
    assert is_scan_id("20261123T060301Z-trivy-3f9c2a17")
    assert is_scan_id("20261123T060301Z-a-b-c-3f9c2a17")
    for scanner in ("", "-", "a-", "-a", "A", "a_b", "a--b", "a" * 33):
        assert not is_scan_id(f"20261123T060301Z-{scanner}-3f9c2a17")
    assert not is_scan_id("20261123T060301Z-trivy-3f9c2a17\n")
    assert not is_scan_id("20261399T000000Z-openscap-00000000")


def test_an_id_with_an_impossible_time_is_none() -> None:
    for second in (
        *("20260229T000000Z", "20260431T000000Z", "20261100T000000Z", "00000101T000000Z"),
        *("20261332T000000Z", "20261123T240000Z", "20261123T006000Z", "20261123T000060Z"),
    ):
        assert not is_scan_id(f"{second}-openscap-00000000"), second
    for second in ("20240229T235959Z", "20261231T000000Z", "20260430T000000Z"):
        assert is_scan_id(f"{second}-openscap-00000000"), second
