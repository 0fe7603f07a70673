"""Why a report waits, in plain words."""

from datetime import UTC, datetime, timedelta

from schemas.codec import replace
from schemas.destination import Destination
from stages.ship.waiting import Facts, describe, why_waiting

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NEXT = Facts(held=False, hold_reason=None, running=True, ahead=0)
READY = Destination(state="ready", at=NOW, since=NOW)
PAUSED = Destination(
    state="paused",
    at=NOW,
    since=NOW,
    reason="HTTP 401: Invalid API credentials",
    action="check api.id",
    next_try=NOW + timedelta(seconds=90),
)
BACKING_OFF = replace(
    PAUSED, state="backing off", reason="refused", action=None, next_try=NOW + timedelta(minutes=14)
)


def test_each_reason_is_shown_with_what_to_do() -> None:
    assert why_waiting(NEXT, READY, NOW) == "next to be sent"
    assert why_waiting(NEXT, None, NOW) == "next to be sent"
    assert why_waiting(Facts(False, None, True, 2), READY, NOW) == "2 older reports first"
    assert "start it" in why_waiting(Facts(False, None, False, 0), PAUSED, NOW)
    held = why_waiting(Facts(True, "maintenance", False, 0), PAUSED, NOW)
    assert "maintenance" in held
    assert "release" in held


def test_the_destinations_trouble_names_cause_next_try_and_remedy() -> None:
    assert why_waiting(NEXT, PAUSED, NOW) == (
        "paused: HTTP 401: Invalid API credentials; next try in 90 s; check api.id"
    )
    assert "next try in 14 min" in why_waiting(NEXT, BACKING_OFF, NOW)
    assert "compliance-agent retry" in why_waiting(NEXT, BACKING_OFF, NOW)


def test_the_pace_is_a_reason_too() -> None:
    paced = replace(READY, reason="at most 9 a minute", next_try=NOW + timedelta(seconds=42))
    assert why_waiting(NEXT, paced, NOW) == "next to be sent; at most 9 a minute, the next in 42 s"
    assert why_waiting(Facts(False, None, True, 1), paced, NOW).startswith(
        "1 older report first; at most 9"
    )
    assert why_waiting(NEXT, paced, NOW + timedelta(minutes=1)) == "next to be sent"


def test_a_next_try_whose_time_has_come_needs_a_report() -> None:
    """All of them may be held."""
    later = describe(PAUSED, NOW + timedelta(hours=1))
    assert "next try as soon as a report may be sent" in later
    assert "next try in 23 h 59 min" in describe(
        replace(PAUSED, next_try=NOW + timedelta(hours=23, minutes=59)), NOW
    )


def test_a_damaged_report_says_so_first() -> None:
    assert why_waiting(
        Facts(False, None, True, 0, damaged="SHA-256 differs"), READY, NOW
    ).startswith("damaged")
