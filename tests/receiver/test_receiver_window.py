"""The rolling window of submissions."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.window import Window

arrivals = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 40)), max_size=60)


@given(st.integers(1, 5), arrivals)
def test_no_name_is_admitted_more_often_than_the_limit_in_any_minute(
    limit: int, steps: list[tuple[str, float]]
) -> None:
    window, now = Window(limit), 0.0
    admitted: list[tuple[str, float]] = []
    for name, step in steps:
        now += step
        recent = sum(1 for other, at in admitted if other == name and at > now - 60)
        if window.admits(name, now):
            assert recent < limit
            admitted.append((name, now))
        else:
            assert recent == limit


def test_a_minute_later_there_is_room_again() -> None:
    window = Window(2)
    assert [window.admits("a", at) for at in (0, 10, 59.9, 60, 60.1, 70)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
