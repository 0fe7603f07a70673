"""Retry-After: when a server asks to be left alone. Pure. Source: RFC 9110, section 10.2.3."""

from datetime import UTC, datetime

LONGEST_S = 24 * 3600.0


def seconds(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, at most a day. None where the header is missing, unreadable, or names no
    later moment.
    """
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        wait_s: float | None = float(text[:20])
    else:
        wait_s = _until(text, now)
    if wait_s is None or wait_s <= 0:
        return None
    return min(wait_s, LONGEST_S)


def _until(text: str, now: datetime) -> float | None:
    # Servers send seconds as a rule, and a stage at rest is smaller without the modules for mail.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        # "-0000" gives a date without a zone; HTTP dates are UTC.
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()
