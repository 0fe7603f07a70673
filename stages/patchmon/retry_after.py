"""Retry-After: when a server asks to be left alone. Pure. Source: RFC 9110, section 10.2.3."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 24 * 3600.0


def seconds(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, at most a day. None where the header is missing, unreadable, or names no later moment."""
    text = (value or "").strip()
    if not text:
        return None
    wait = float(text[:20]) if text.isascii() and text.isdigit() else _until(text, now)
    return min(wait, LONGEST_S) if wait is not None and wait > 0 else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # "-0000" gives a date without a zone; HTTP dates are UTC.
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - now).total_seconds()
