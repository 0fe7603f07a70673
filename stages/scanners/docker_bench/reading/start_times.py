"""When a scan began, from the line `Initializing …` of the text log. Pure.

The scanner prints what `date` prints: ISO 8601 since 1.5, before that whatever the locale of the
host makes of it, for instance `Thu Mar  4 21:09:05 +07 2021`, `Thu 04 Mar 2021 09:09:05 PM CET`,
`jeudi 4 mars 2021, 21:09:05 (UTC+0100)` or `4.3.2021 21.09.05`. All of them hold a year, a month by
name or number, a day, a time of day and mostly a zone, so these are looked for one by one. Numbers
with slashes are not read: `03/04/2021` is one day in one country and another in the next.

A zone by name is read where the name means one offset only, which `CST` (Chicago, Shanghai) does
not. A time with such an ambiguous name, or without a zone, is read in the zone that the caller
names. Where the caller names none, a time without a zone is read in the zone of this host.

*Security*: the line is cut before it is searched.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from schemas.records import Struct

_MAX_LINE = 120
_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:.](\d\d)[:.](\d\d)(?: ?([AaPp])\.?[Mm]\.?)?")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_DAY = re.compile(r"(?<![\d+-])(\d{1,2})(?!\d)")
_OFFSET = re.compile(
    r"(?:(?<!\S)|(?<=UTC)|(?<=GMT)|(?<=[0-9]))([+-])([0-9]{2}):?([0-9]{2})?(?![0-9])"
)
_NUMERIC = re.compile(
    r"(?<!\d)(?:(?P<first>\d{4})[.-] ?(?P<month>\d{1,2})[.-] ?(?P<day>\d{1,2})"
    r"|(?P<day_first>\d{1,2})\. ?(?P<middle>\d{1,2})\. ?(?P<last>\d{4}))(?!\d)"
)
"""`2021-03-04`, `2021. 03. 04.` and `4.3.2021`."""
_EAST_ASIAN = re.compile(
    r"(\d{4}) {0,2}[年년] {0,2}(\d{1,2}) {0,2}[月월] {0,2}(\d{1,2}) {0,2}[日일]"
)
_ISO_IN_UTC = re.compile(_ISO.pattern + r"Z")
_WORD = re.compile(r"[^\W\d_]+")
_ZONE_NAME = re.compile(r"\b(?!(?:AM|PM)\b)[A-Z]{2,}\b")

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
# English, German, French, Spanish, Italian, Dutch, Portuguese, Scandinavian, Polish, Czech,
# Turkish, Romanian, Russian.
_MONTHS = (
    ("jan", "jän", "ene", "gen", "sty", "led", "oca", "ian", "янв"),
    ("feb", "fév", "fev", "lut", "úno", "şub", "фев"),
    ("mar", "mär", "mrz", "maa", "mrt", "bře", "мар"),
    ("apr", "avr", "abr", "kwi", "dub", "nis", "апр"),
    ("may", "mai", "mag", "mei", "maj", "kvě", "мая", "май"),
    ("jun", "juin", "giu", "cze", "čen", "červn", "haz", "iun", "июн"),
    ("jul", "juil", "lug", "lip", "čec", "červenc", "tem", "iul", "июл"),
    ("aug", "aoû", "aou", "ago", "sie", "srp", "ağu", "авг"),
    ("sep", "set", "wrz", "zář", "eyl", "сен"),
    ("oct", "okt", "ott", "out", "paź", "říj", "eki", "окт"),
    ("nov", "lis", "kas", "noi", "ноя"),
    ("dec", "dez", "déc", "dic", "des", "gru", "pro", "ara", "дек"),
)


class StartTime(Struct, frozen=True):
    seconds: int
    """Since 1970."""
    has_zone: bool
    """Whether the line itself names one."""


def start_time(line: str, zone: tzinfo | None = None) -> StartTime | None:
    """`zone` is that of times without one; None for a time that can't be read."""
    text = line[:_MAX_LINE].removeprefix("Initializing").strip()
    try:
        wall = _iso_time(text) or _local_time(text)
        if wall is None:
            return None
        own_zone = _zone(text)
        if own_zone is None and zone is None and _ZONE_NAME.search(text):
            # A name such as `CST`, which means several offsets.
            return None
        at = wall.replace(tzinfo=own_zone or zone)
        return StartTime(int(at.timestamp()), has_zone=own_zone is not None)
    except (ValueError, OverflowError):
        return None


def _iso_time(text: str) -> datetime | None:
    found = _ISO.match(text)
    if found is None:
        return None
    return datetime.fromisoformat(f"{found[1]}T{found[2]}")


def _local_time(text: str) -> datetime | None:
    # The date goes first: `04.03.2021` begins like the time 04.03.20.
    clock = _CLOCK.search(_NUMERIC.sub(" ", text))
    date = _date(text)
    if clock is None or date is None:
        return None
    hour = int(clock[1])
    if clock[4]:
        # 12 AM is midnight, and 12 PM is noon.
        hour %= 12
        if clock[4].lower() == "p":
            hour += 12
    return datetime(*date, hour, int(clock[2]), int(clock[3]))  # noqa: DTZ001


def _date(text: str) -> tuple[int, int, int] | None:
    """Year, month and day."""
    if numbers := _EAST_ASIAN.search(text):
        return int(numbers[1]), int(numbers[2]), int(numbers[3])
    if numbers := _NUMERIC.search(text):
        if numbers["first"]:
            return int(numbers["first"]), int(numbers["month"]), int(numbers["day"])
        return int(numbers["last"]), int(numbers["middle"]), int(numbers["day_first"])
    text = _OFFSET.sub(" ", _CLOCK.sub(" ", text, count=1))
    year, month, day = _YEAR.search(text), _month(text), _DAY.search(text)
    if year is None or month is None or day is None:
        return None
    return int(year[1]), month, int(day[1])


def _month(text: str) -> int | None:
    """The number of the month that is named, in full or abbreviated.

    The last such name counts: a day of the week may come first, and the French `mar.` (Tuesday) is
    also the start of a month.
    """
    found = None
    for word in _WORD.findall(text.casefold()):
        for number, starts in enumerate(_MONTHS, start=1):
            if word.startswith(starts):
                found = number
                break
    return found


def _zone(text: str) -> timezone | None:
    """The zone that the line names: an offset, else a name that means one offset only."""
    # The date goes first: the month of `2021-03-04` looks like the offset -03.
    if offset := _OFFSET.search(_NUMERIC.sub(" ", text)):
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if offset[1] == "-":
            distance = -distance
        return timezone(distance)
    if _ISO_IN_UTC.match(text):
        return UTC
    for word in _WORD.findall(text):
        if word in _ZONES:
            return timezone(timedelta(hours=_ZONES[word]))
    return None
