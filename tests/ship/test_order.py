"""Which scan goes next, and which need not go at all."""

from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.destination import Accepted
from schemas.report import ScanStatus
from schemas.settings import DeliverySettings
from spool import frame
from stages.ship import report_index
from stages.ship.order import (
    Waiting,
    candidates,
    next_of,
    profile_key,
    superseded,
    waiting,
)
from tests.ship.ship_spool import report, scan_id

ALL, LATEST = DeliverySettings(), DeliverySettings(backlog="latest")
LATEST_GOOD = DeliverySettings(backlog="latest", send_failed="unless-good")
NEVER, UNLESS_GOOD = (
    DeliverySettings(send_failed="never"),
    DeliverySettings(send_failed="unless-good"),
)


def scan(
    number: int, profile: str = "CIS", status: ScanStatus = "completed", *, forced: bool = False
) -> Waiting:
    return Waiting(scan_id(number), profile_key(profile, scan_id(number)), status, forced=forced)


def took(number: int, *, good: bool = True) -> Accepted:
    return Accepted(scan_id=scan_id(number), good=good)


def numbers(scans: list[Waiting]) -> list[int]:
    return [int(one.scan_id.rsplit("-", 1)[1], 16) for one in scans]


def test_an_older_scan_is_superseded_once_a_newer_one_was_accepted() -> None:
    reason = superseded(scan(1), took(2), ALL)
    assert reason
    assert reason.by == scan_id(2)
    assert superseded(scan(3), took(2), ALL) is None
    assert superseded(scan(2), took(2), ALL) is None
    assert superseded(scan(1), None, ALL) is None


def test_an_older_scan_goes_all_the_same_where_the_operator_forces_it() -> None:
    assert superseded(scan(1, forced=True), took(2), ALL) is None


def test_a_joined_scan_is_superseded_by_the_one_that_answered_it() -> None:
    merged = Waiting(scan_id(1), "CIS", "merged", answered_by=scan_id(2))
    reason = superseded(merged, None, ALL)
    assert reason
    assert reason.by == scan_id(2)


def test_failed_scans_go_as_the_setting_says() -> None:
    statuses: tuple[ScanStatus, ...] = ("failed", "cancelled")
    for status in statuses:
        failed = scan(2, status=status)
        assert superseded(failed, took(1), ALL) is None
        assert superseded(failed, None, NEVER)
        assert superseded(failed, None, UNLESS_GOOD) is None
        assert superseded(failed, took(1), UNLESS_GOOD)
        assert superseded(failed, took(1, good=False), UNLESS_GOOD) is None
        assert superseded(failed, took(3), ALL)
    assert superseded(scan(2), took(1), NEVER) is None


def test_all_go_oldest_first_or_only_the_newest_of_each_profile() -> None:
    scans = [scan(1), scan(2, "B"), scan(3), scan(4, "B"), scan(5, forced=True)]
    assert numbers(candidates(scans, (), (), ALL)) == [1, 2, 3, 4, 5]
    assert numbers(candidates(scans[:4], (), (), LATEST)) == [3, 4]


def test_a_held_scan_stays_and_the_next_goes_on() -> None:
    scans = [scan(1), scan(2), scan(3)]
    assert numbers(candidates(scans, {scan_id(1)}, (), ALL)) == [2, 3]
    assert numbers(candidates(scans, {scan_id(3)}, (), LATEST)) == [2]


def test_an_older_scan_waits_while_a_newer_one_may_be_with_the_server() -> None:
    scans = [scan(1), scan(2), scan(3, "B")]
    assert numbers(candidates(scans, (), {scan_id(2)}, ALL)) == [2, 3]
    assert numbers(candidates(scans, {scan_id(2)}, {scan_id(2)}, ALL)) == [3]


def test_where_nothing_comes_of_one_scan_another_profile_is_tried() -> None:
    scans = [scan(1), scan(2), scan(3, "B")]
    assert next_of(scans, {}).scan_id == scan_id(1)
    assert next_of(scans, {scan_id(1): 3}).scan_id == scan_id(3)
    assert next_of(scans[:2], {scan_id(1): 3}).scan_id == scan_id(1)


def test_where_nothing_comes_of_any_all_profiles_get_their_turn() -> None:
    scans = [scan(1), scan(2), scan(3, "B")]
    assert next_of(scans, {scan_id(1): 4, scan_id(3): 3}).scan_id == scan_id(3)
    assert next_of(scans, {scan_id(1): 4, scan_id(3): 4}).scan_id == scan_id(1)


def test_of_a_failed_and_a_good_scan_the_latest_good_one_goes_where_failed_ones_are_to_spare_it() -> (
    None
):
    scans = [scan(1), scan(2), scan(3, status="failed")]
    assert numbers(candidates(scans, (), (), LATEST_GOOD)) == [2]
    assert numbers(candidates(scans, (), (), LATEST)) == [3]
    assert numbers(candidates(scans[2:], (), (), LATEST_GOOD)) == [3]
    assert numbers(candidates([*scans, scan(4)], (), (), LATEST_GOOD)) == [4]
    assert numbers(candidates(scans, {scan_id(1), scan_id(2)}, (), LATEST_GOOD)) == [3]
    # The server may have the failed one already, so the good one does not go before it is known.
    assert numbers(candidates(scans, (), {scan_id(3)}, LATEST_GOOD)) == [3]


profiles = st.sampled_from("AB")
statuses = st.sampled_from(("completed", "failed"))
a_scan = st.builds(scan, st.integers(0, 30), profiles, statuses)
some_scans = st.lists(a_scan, unique_by=lambda one: one.scan_id).map(
    lambda s: sorted(s, key=lambda o: o.scan_id)
)


@given(scans=some_scans, held=st.sets(st.integers(0, 30)), attempted=st.sets(st.integers(0, 30)))
def test_no_candidate_is_older_than_one_that_the_server_may_have(
    scans: list[Waiting], held: set[int], attempted: set[int]
) -> None:
    sent = {scan_id(number) for number in attempted}
    for delivery in (ALL, LATEST, LATEST_GOOD):
        found = candidates(scans, {scan_id(number) for number in held}, sent, delivery)
        assert found == sorted(found, key=lambda one: one.scan_id)
        for one in found:
            newer = [s for s in scans if s.profile == one.profile and s.scan_id > one.scan_id]
            assert not sent & {s.scan_id for s in newer}


@given(st.text(max_size=300), st.sampled_from(("completed", "failed", "cancelled", "merged")))
def test_the_head_of_a_report_says_what_the_whole_says(name: str, status: ScanStatus) -> None:
    one = report(1, profile=name, status=status)
    entry = frame.seal("report", codec.encode(one))
    assert report_index.read_head(scan_id(1), entry[: report_index.BYTES]) == waiting(
        one, scan_id(1)
    )


@given(st.binary(max_size=200))
def test_a_head_that_says_nothing_is_no_head(content: bytes) -> None:
    assert report_index.read_head(scan_id(1), b'{"profile":' + content) is None
