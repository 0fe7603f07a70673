"""What is made of the answers to one report, all attempts taken together."""

from stages.patchmon.body import Body
from stages.patchmon.outcome import Outcome, Paused, Refused, Temporary
from stages.ship.delivery_attempt import DeliveryAttempt

MIB = 1024 * 1024
SETTINGS = 5 * MIB
EMPTY = Body(b"", (), has_hash=True, may_shrink=True)


def test_a_limit_that_the_server_has_shown_stays() -> None:
    attempt = DeliveryAttempt()
    body = Body(b" " * MIB, (), has_hash=True, may_shrink=True)
    assert attempt.change_form(Refused(413, "too large", "truncate"), body)
    attempt.count(Temporary("no route"))
    assert attempt.limit_of(SETTINGS) == MIB // 2
    assert attempt.limit_of(MIB // 4) == MIB // 4


def test_nothing_but_the_servers_answer_changes_the_form() -> None:
    attempt = DeliveryAttempt()
    for _ in range(20):
        attempt.count(Temporary("reset"))
    assert attempt.limit_of(SETTINGS) == SETTINGS
    assert attempt.with_hash


def test_what_can_not_be_changed_any_more_is_refused() -> None:
    attempt = DeliveryAttempt()
    bare = Body(b"", (), has_hash=False, may_shrink=False)
    assert not attempt.change_form(Refused(413, "too large", "truncate"), bare)
    assert not attempt.change_form(Refused(400, "hash mismatch", "no hash"), bare)
    assert not attempt.change_form(Refused(422, "no"), EMPTY)


def test_a_report_is_stuck_after_three_attempts_of_which_nothing_came() -> None:
    attempt = DeliveryAttempt()
    outcomes: list[Outcome] = [Temporary("no"), Paused("no", "repair it")]
    for outcome in outcomes:
        attempt.count(outcome)
        assert not attempt.is_stuck
    attempt.count(Temporary("no"))
    assert attempt.is_stuck
    attempt.count(Refused(413, "too large", "truncate"))
    assert not attempt.is_stuck
