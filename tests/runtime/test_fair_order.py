from datetime import UTC, datetime

from schemas.ids import ScanId, new_scan_id
from stages.runtime.fair_order import FairOrder

AT = datetime(2026, 6, 1, tzinfo=UTC)


def ids(count: int, begin: int) -> list[ScanId]:
    return [new_scan_id("openscap", AT, f"{begin + n:08x}") for n in range(count)]


def handled(waiting: list[ScanId], of_operators: list[ScanId], most: int) -> list[ScanId]:
    order = FairOrder()
    done: list[ScanId] = []
    for _ in range(most):
        following = order.next([i for i in waiting if i not in done], of_operators)
        if following is None:
            break
        done.append(following)
    return done


def test_a_server_with_thousands_does_not_hold_up_an_operator() -> None:
    flood, mine = ids(1000, 0), ids(3, 5000)
    expected = [mine[0], flood[0], mine[1], flood[1], mine[2], flood[2], flood[3]]
    assert handled(flood + mine, mine, 7) == expected


def test_an_operator_with_thousands_does_not_hold_up_a_schedule() -> None:
    flood, scheduled = ids(1000, 0), ids(1, 5000)
    assert handled(flood + scheduled, flood, 3) == [flood[0], scheduled[0], flood[1]]


def test_on_one_side_alone_the_oldest_goes_first() -> None:
    waiting = ids(20, 0)
    assert handled(waiting, waiting, 100) == waiting
    assert handled(waiting, [], 100) == waiting
