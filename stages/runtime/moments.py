"""Times as operators type and read them."""

import argparse
import re
from datetime import UTC, datetime, timedelta

EXAMPLES = "2026-11-23, 2026-11-23T06:00, yesterday, 7d, 12h"
_AGO = re.compile(r"([0-9]{1,4})(min|h|d|w)")
_UNITS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def moment(text: str) -> datetime:
    """A date, a time, or a span back from now; without a zone it is this host's.

    Raises ArgumentTypeError.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]
    if text in ("today", "yesterday"):
        midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ005
        if text == "yesterday":
            midnight -= timedelta(days=1)
        return midnight.astimezone(UTC)
    try:
        found = datetime.fromisoformat(text)
        # Without a zone, `astimezone` takes the time as this host's.
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like {EXAMPLES}") from error


def in_host_zone(at: datetime) -> datetime:
    """An aware time in this host's zone; on the first and the last day that there is, as it is."""
    try:
        return at.astimezone()
    except (OverflowError, ValueError):
        return at
