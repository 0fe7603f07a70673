"""Values as an administrator writes them: dates and the superuser. Pure.

OVAL gives the last change of a password in days since 1970 and the time of a file in seconds. The
number stays, for those who look for it: `19500 (2023-05-23)`.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

_NUMBER = re.compile(r"\d{1,12}")
_EPOCH = date(1970, 1, 1)
_LAST_DAY = (date.max - _EPOCH).days
_LAST_SECOND = 253_402_300_799
_FILE_TIMES = ("a_time", "c_time", "m_time")
_FILES = ("file", "unixfile")


def readable_value(kind: str, field: str, text: str) -> str:
    """The value of a field of a test's kind; any other text as it is."""
    written = _WRITTEN.get((kind, field))
    if written is None or _NUMBER.fullmatch(text) is None:
        return text
    return written(int(text)) or text


def _day(days: int) -> str | None:
    # 0 means that the password has to be changed, not 1970.
    if not 0 < days <= _LAST_DAY:
        return None
    return f"{days} ({_EPOCH + timedelta(days=days)})"


def _time(seconds: int) -> str | None:
    if not 0 < seconds <= _LAST_SECOND:
        return None
    return f"{seconds} ({datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC)"


def _user(number: int) -> str | None:
    """Only the name of 0 is the same on every host."""
    if number == 0:
        return "0 (root)"
    return None


_WRITTEN: dict[tuple[str, str], Callable[[int], str | None]] = {
    ("shadow", "chg_lst"): _day,
    ("shadow", "exp_date"): _day,
    **{(kind, name): _time for kind in _FILES for name in _FILE_TIMES},
    **{(kind, name): _user for kind in _FILES for name in ("user_id", "group_id")},
    ("password", "user_id"): _user,
    ("process58", "ruid"): _user,
    ("process58", "user_id"): _user,
}
