"""Values as an administrator writes them: dates, durations, masks and the superuser. Pure.

OVAL has the last change of a password in days since 1970, the time of a file in seconds, and a time
limit of systemd in microseconds. The number is kept, for those who search for it:
`19500 (2023-05-23)`, `90000000 (1 min 30 s)`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from schemas.numbers import whole_number

_NUMBER = re.compile(r"\d{1,20}")
_EPOCH = date(1970, 1, 1)
_LAST_DAY = (date.max - _EPOCH).days
_LAST_SECOND = 253_402_300_799
_USERS: Mapping[int, str] = {0: "0 (root)", 2**32 - 1: f"{2**32 - 1} (unset)"}
"""The users that are the same on every host; the login user of a service is unset."""
_NO_LIMIT = 2**64 - 1
_MICROSECONDS = 1_000_000
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_LEAST_SHOWN_SECONDS = 60

Wording = Callable[[int], str | None]
"""Returns a number in plain text; None where the number is clear as it is."""


def readable_value(kind: str, field: str, text: str, setting: str | None = None) -> str:
    """The value of a field of a test's kind; any other text as it is.

    `setting` names what the value is of, where the field alone does not: a property of a unit.
    """
    wording = _WORDINGS.get((kind, field)) or _wording_of_property(kind, setting)
    if wording is None or _NUMBER.fullmatch(text) is None:
        return text
    return wording(int(text)) or text


def readable_duration(text: str) -> str:
    """`1209600 (14 d)`; less than a minute is clear as it is, and so is what is not a number."""
    seconds = whole_number(text)
    if seconds is None or seconds < _LEAST_SHOWN_SECONDS:
        return text
    return f"{seconds} ({_duration(seconds)})"


def _wording_of_property(kind: str, setting: str | None) -> Wording | None:
    """For the properties of systemd's units, which it gives as numbers."""
    if kind != "systemdunitproperty" or setting is None:
        return None
    if setting.endswith("USec"):
        return _microseconds
    if setting.endswith(("UMask", "Mode")):
        return _octal
    return None


def _day(days: int) -> str | None:
    # 0 means that the password has to be changed, not 1970.
    if not 0 < days <= _LAST_DAY:
        return None
    return f"{days} ({_EPOCH + timedelta(days=days)})"


def _time(seconds: int) -> str | None:
    if not 0 < seconds <= _LAST_SECOND:
        return None
    return f"{seconds} ({datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC)"


def _microseconds(number: int) -> str | None:
    if number == _NO_LIMIT:
        return "infinity"
    seconds, rest = divmod(number, _MICROSECONDS)
    if rest or not seconds:
        return None
    return f"{number} ({_duration(seconds)})"


def _octal(number: int) -> str:
    return f"{number:04o} (decimal {number})"


def _duration(seconds: int) -> str:
    """`1 d 12 h`"""
    parts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


_user = _USERS.get
_WORDINGS: Mapping[tuple[str, str], Wording] = {
    ("shadow", "chg_lst"): _day,
    ("shadow", "exp_date"): _day,
    ("password", "last_login"): _time,
    ("password", "user_id"): _user,
    ("password", "group_id"): _user,
    ("inetlisteningserver", "user_id"): _user,
    ("inetlisteningservers", "user_id"): _user,
    ("file", "user_id"): _user,
    ("file", "group_id"): _user,
    ("file", "a_time"): _time,
    ("file", "c_time"): _time,
    ("file", "m_time"): _time,
    ("process", "ruid"): _user,
    ("process", "user_id"): _user,
    ("process", "loginuid"): _user,
    ("process58", "ruid"): _user,
    ("process58", "user_id"): _user,
    ("process58", "loginuid"): _user,
}
