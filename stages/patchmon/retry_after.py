"""Retry-After: when a server asks to be left alone. Pure. Source: RFC 9110, section 10.2.3."""

from datetime import UTC, datetime

from schemas.numbers import whole_number

LONGEST_S = 24 * 3600.0


def seconds(value: str, now: datetime) -> float:
    """Seconds to wait, at most a day; 0 where the value names no later moment."""
    text = value.strip()
    wait_s: float | None = whole_number(text)
    if wait_s is None:
        wait_s = _until(text, now)
    return min(max(wait_s, 0.0), LONGEST_S)


def _until(text: str, now: datetime) -> float:
    # Servers send seconds as a rule, and a stage at rest is smaller without the modules for mail.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        # "-0000" gives a date without a zone; HTTP dates are UTC.
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()
