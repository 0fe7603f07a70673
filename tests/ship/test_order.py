"""Which report goes next, and which need not go at all."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import ScanId
from schemas.report import ScanStatus
from schemas.settings import DeliverySettings
from stages.ship import filing
from stages.ship.order import Constraints, Waiting, next_to_send, superseded
from tests.ship.ship_spool import scan_id

ALL = DeliverySettings()
NEVER = DeliverySettings(send_failed=False)


def scan(number: int, profile: str = "CIS", status: ScanStatus = "completed") -> Waiting:
    name = filing.name_at_the_server(scan_id(number), profile, status)
    return Waiting(scan_id(number), filing.place(scan_id(number), name), status)


def order_of(
    scans: list[Waiting], constraints: Constraints, failures: Mapping[ScanId, int] | None = None
) -> list[int]:
    """The numbers of the scans in the order in which they go, if each is taken."""
    left, found = list(scans), list[int]()
    while following := next_to_send(left, constraints, failures or {}):
        found.append(int(following.scan_id.rsplit("-", 1)[1], 16))
        left.remove(following)
    return found


def test_an_older_scan_is_superseded_once_a_newer_one_was_accepted() -> None:
    reason = superseded(scan(1), scan_id(2), ALL, forced=False)
    assert reason
    assert reason.by == scan_id(2)
    assert superseded(scan(3), scan_id(2), ALL, forced=False) is None
    assert superseded(scan(2), scan_id(2), ALL, forced=False) is None
    assert superseded(scan(1), None, ALL, forced=False) is None


def test_an_older_scan_goes_all_the_same_where_the_operator_forces_it() -> None:
    assert superseded(scan(1), scan_id(2), ALL, forced=True) is None


def test_a_merged_scan_is_superseded_by_the_one_that_answered_it() -> None:
    merged = Waiting(scan_id(1), "CIS", "merged", answered_by=scan_id(2))
    reason = superseded(merged, None, ALL, forced=False)
    assert reason
    assert reason.by == scan_id(2)


def test_failed_scans_go_unless_the_setting_forbids_it() -> None:
    statuses: tuple[ScanStatus, ...] = ("failed", "cancelled")
    for status in statuses:
        failed = scan(2, status=status)
        assert superseded(failed, None, ALL, forced=False) is None
        assert superseded(failed, None, NEVER, forced=False)
        assert superseded(failed, None, NEVER, forced=True) is None
    assert superseded(scan(2), None, NEVER, forced=False) is None


def test_a_failed_scan_is_filed_elsewhere_than_the_results_of_its_profile() -> None:
    failures = {scan(1, name, "failed").filed_under for name in ("CIS", "B")}
    assert failures == {scan(2, "C", "cancelled").filed_under}
    assert scan(1).filed_under not in failures


def test_all_go_oldest_first_or_only_the_newest_of_each_place() -> None:
    scans = [scan(1), scan(2, "B"), scan(3), scan(4, "B"), scan(5)]
    assert order_of(scans, Constraints()) == [1, 2, 3, 4, 5]
    newest = {scan(3).filed_under: scan_id(3), scan(4, "B").filed_under: scan_id(4)}
    assert order_of(scans[:4], Constraints(newest=newest)) == [3, 4]
    assert order_of(scans, Constraints(newest=newest, forced={scan_id(5)})) == [3, 4, 5]


def test_a_held_scan_stays_and_the_next_goes_on() -> None:
    scans = [scan(1), scan(2), scan(3)]
    assert order_of(scans, Constraints(stopped={scan_id(1)})) == [2, 3]


def test_an_older_scan_waits_while_a_newer_one_may_be_with_the_server() -> None:
    scans = [scan(1), scan(2), scan(3, "B")]
    attempted = {scan(2).filed_under: scan_id(2)}
    assert order_of(scans, Constraints(attempted=attempted)) == [2, 3]
    assert order_of(scans, Constraints(attempted=attempted, stopped={scan_id(2)})) == [3]
    assert order_of(scans, Constraints(attempted=attempted, forced={scan_id(1)})) == [1, 2, 3]


def test_where_nothing_comes_of_one_scan_another_place_is_tried() -> None:
    scans = [scan(1), scan(2), scan(3, "B")]
    assert order_of(scans, Constraints())[0] == 1
    assert order_of(scans, Constraints(), {scan_id(1): 3})[0] == 3
    assert order_of(scans[:2], Constraints(), {scan_id(1): 3})[0] == 1


def test_where_nothing_comes_of_any_all_places_get_their_turn() -> None:
    scans = [scan(1), scan(2), scan(3, "B")]
    assert order_of(scans, Constraints(), {scan_id(1): 4, scan_id(3): 3})[0] == 3
    assert order_of(scans, Constraints(), {scan_id(1): 4, scan_id(3): 4})[0] == 1


profiles = st.sampled_from("AB")
statuses = st.sampled_from(("completed", "failed"))
a_scan = st.builds(scan, st.integers(0, 30), profiles, statuses)
some_scans = st.lists(a_scan, unique_by=lambda one: one.scan_id).map(
    lambda scans: sorted(scans, key=lambda one: one.scan_id)
)


@given(scans=some_scans, held=st.sets(st.integers(0, 30)), attempted=st.sets(st.integers(0, 30)))
def test_no_scan_goes_before_a_newer_one_that_the_server_may_have(
    scans: list[Waiting], held: set[int], attempted: set[int]
) -> None:
    newest: dict[str, ScanId] = {}
    for one in scans:
        if one.scan_id in {scan_id(number) for number in attempted}:
            newest[one.filed_under] = one.scan_id
    constraints = Constraints(stopped={scan_id(number) for number in held}, attempted=newest)
    found = order_of(scans, constraints)
    assert found == sorted(found)
    for one in scans:
        if int(one.scan_id.rsplit("-", 1)[1], 16) in found:
            assert one.scan_id >= newest.get(one.filed_under, "")
