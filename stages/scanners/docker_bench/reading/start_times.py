"""When a scan began, from the line `Initializing …` of the text log. Pure.

The scanner prints what `date` prints: ISO 8601 since 1.5, before that whatever the locale of the
host makes of it, for instance `Thu Mar  4 21:09:05 +07 2021`, `Thu 04 Mar 2021 09:09:05 PM CET` or
`Do 4. Mär 21:09:05 CET 2021`. All of them hold a year, a month by name or number, a day, a time of
day and mostly a zone, so these are looked for one by one.

A zone by name is read where the name means one offset only: `CST` is Chicago's and Shanghai's.

*Security*: the line is cut before it is searched.
"""

import re
from datetime import datetime, timedelta, timezone

_MAX_LINE = 120
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(Z|[+-]\d\d:?\d\d|[+-]\d\d)?"
)
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:.](\d\d)[:.](\d\d)(?: ?([AaPp])\.?[Mm]\.?)?")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_DAY = re.compile(r"(?<![\d+-])(\d{1,2})(?!\d)")
_OFFSET = re.compile(r"(?<!\S)([+-])(\d\d):?(\d\d)?(?!\S)")
_EAST_ASIAN = re.compile(
    r"(\d{4}) {0,2}[年년] {0,2}(\d{1,2}) {0,2}[月월] {0,2}(\d{1,2}) {0,2}[日일]"
)
_WORD = re.compile(r"[^\W\d_]+")

_ZONES = {
    **dict.fromkeys(("UTC", "GMT", "WET", "Z"), 0),
    **dict.fromkeys(("CET", "MEZ", "WEST"), 1),
    **dict.fromkeys(("CEST", "MESZ", "EET"), 2),
    **dict.fromkeys(("EEST", "MSK"), 3),
    **dict.fromkeys(("SGT", "HKT", "AWST"), 8),
    **dict.fromkeys(("JST", "KST"), 9),
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "EST": -5,
    "EDT": -4,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}
"""Hours east of Greenwich."""
# English, German, French, Spanish, Italian, Dutch, Portuguese.
_MONTHS = (
    ("jan", "jän", "ene", "gen"),
    ("feb", "fév", "fev"),
    ("mar", "mär", "mrz", "maa", "mrt"),
    ("apr", "avr", "abr"),
    ("may", "mai", "mag", "mei"),
    ("jun", "juin", "giu"),
    ("jul", "juil", "lug"),
    ("aug", "aoû", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt", "ott", "out"),
    ("nov",),
    ("dec", "dez", "déc", "dic"),
)


def start_time(line: str) -> int | None:
    """Seconds since 1970; None for a time that can't be read or has no known zone."""
    text = line[:_MAX_LINE].removeprefix("Initializing").strip()
    try:
        at = _iso_time(text) or _local_time(text)
        if at is None:
            return None
        return int(at.timestamp())
    except (ValueError, OverflowError):
        return None


def _iso_time(text: str) -> datetime | None:
    found = _ISO.match(text)
    if found is None:
        return None
    zone = found[3] or "+00:00"
    return datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")


def _local_time(text: str) -> datetime | None:
    clock = _CLOCK.search(text)
    zone = _zone(text)
    date = _date(_CLOCK.sub(" ", text, count=1))
    if clock is None or zone is None or date is None:
        return None
    hour = int(clock[1])
    if clock[4]:
        is_afternoon = clock[4].lower() == "p"
        hour = hour % 12 + 12 * is_afternoon
    return datetime(*date, hour, int(clock[2]), int(clock[3]), tzinfo=zone)


def _date(text: str) -> tuple[int, int, int] | None:
    """Year, month and day of a text without its time of day."""
    if numbers := _EAST_ASIAN.search(text):
        return int(numbers[1]), int(numbers[2]), int(numbers[3])
    year = _YEAR.search(text)
    month = _month(text)
    if year is None or month is None:
        return None
    day = _DAY.search(_OFFSET.sub(" ", text))
    if day is None:
        return None
    return int(year[1]), month, int(day[1])


def _month(text: str) -> int | None:
    """The month that is named: its whole name or the start of it. A day of the week may come first.

    In French the day of the week `mar.` (Tuesday) is also the start of a month, so the last name
    that is a month counts.
    """
    found = None
    for word in _WORD.findall(text.casefold()):
        for number, starts in enumerate(_MONTHS, start=1):
            if word.startswith(starts):
                found = number
                break
    return found


def _zone(text: str) -> timezone | None:
    if offset := _OFFSET.search(text):
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if offset[1] == "-":
            distance = -distance
        return timezone(distance)
    for word in _WORD.findall(text):
        if word in _ZONES:
            return timezone(timedelta(hours=_ZONES[word]))
    return None
