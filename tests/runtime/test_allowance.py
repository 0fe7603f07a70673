"""How often something may happen."""

from stages.runtime.allowance import Allowance


def test_a_few_at_once_and_then_at_a_steady_pace() -> None:
    now = 100.0
    allowance = Allowance(3, 30.0, lambda: now)
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]
    assert allowance.due_in_s() == 30.0
    now += 28.0
    assert not allowance.take()
    assert 1.9 < allowance.due_in_s() < 2.1
    now += 3.0
    assert [allowance.take() for _ in range(2)] == [True, False]


def test_no_more_are_saved_than_may_happen_at_once() -> None:
    now = 0.0
    allowance = Allowance(2, 1.0, lambda: now)
    now += 1000.0
    assert [allowance.take() for _ in range(3)] == [True, True, False]
