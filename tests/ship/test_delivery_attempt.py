"""What is made of the answers to one scan, all attempts taken together."""

from stages.patchmon.body import Body
from stages.patchmon.outcome import Outcome, Paused, Refused, Temporary
from stages.ship.delivery_attempt import Case

MIB = 1024 * 1024
SETTINGS = 5 * MIB
CUT = Temporary("reset", cut_upload=True)


def sends(case: Case, *outcomes: Outcome, least: int = 1) -> list[int]:
    """The lengths of the bodies that are sent while this comes of them; the report has 4 MiB, `least` can't go."""
    lengths = []
    for outcome in outcomes:
        length = max(least, min(4 * MIB, case.limit_of(SETTINGS)))
        case.on_event(outcome, Body(b" " * length, (), True, length > least))
        lengths.append(length)
    return lengths


def test_a_connection_that_breaks_is_a_guess_at_the_size_that_is_given_up_again() -> None:
    halves = [4 * MIB, 4 * MIB, 4 * MIB, 2 * MIB, MIB]
    assert sends(Case(), *[CUT] * 11) == [*halves, *halves, 4 * MIB]


def test_where_no_more_can_be_left_out_the_whole_is_sent_again() -> None:
    assert sends(Case(), *[CUT] * 5, least=3 * MIB) == [4 * MIB, 4 * MIB, 4 * MIB, 3 * MIB, 4 * MIB]


def test_any_other_trouble_ends_the_guess() -> None:
    lengths = sends(Case(), CUT, CUT, CUT, Temporary("no route"), CUT, CUT, CUT, CUT)
    assert lengths == [4 * MIB, 4 * MIB, 4 * MIB, 2 * MIB, 4 * MIB, 4 * MIB, 4 * MIB, 2 * MIB]


def test_a_body_that_every_server_takes_is_not_slimmed_for_a_broken_connection() -> None:
    case = Case()
    for _ in range(10):
        case.on_event(CUT, Body(b" " * MIB, (), True, True))
    assert case.limit_of(SETTINGS) == SETTINGS


def test_a_limit_that_the_server_told_stays() -> None:
    case = Case()
    assert case.remedy(Refused(413, "too large", "slim"), Body(b" " * MIB, (), True, True))
    case.on_event(Temporary("no route"), Body(b"", (), True, True))
    assert case.limit_of(SETTINGS) == MIB // 2


def test_a_scan_is_stuck_after_three_attempts_of_which_nothing_came() -> None:
    case, body = Case(), Body(b"", (), True, True)
    for outcome in (Temporary("no"), Paused("no", "mend it")):
        case.on_event(outcome, body)
        assert not case.is_stuck
    case.on_event(Temporary("no"), body)
    assert case.is_stuck
    case.on_event(Refused(413, "too large", "slim"), body)
    assert not case.is_stuck
