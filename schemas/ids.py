"""Scan ids: one name for one scan, from request to receipt.

A scan id reads `20261123T060301Z-openscap-3f9c2a17`: the second (UTC) in which the scan was asked for, its scanner, and
eight hex digits, of which the first four are the fraction of that second. Ids of one scanner sort by time, those of all
by `age`; they are safe as file names.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NewType, cast, get_args

ScanId = NewType("ScanId", str)
Scanner = Literal["openscap", "docker-bench"]
SCANNERS: tuple[Scanner, ...] = get_args(Scanner)

_PATTERN = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z-("
    + "|".join(SCANNERS)
    + r")-[0-9a-f]{8}"
)
_SECOND = "%Y%m%dT%H%M%SZ"
_STEPS = 16**4
"""Steps of the fraction in a second."""
_BEGINNING = datetime.fromtimestamp(0, UTC)
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that shows less has not been set yet."""
_FAR_AHEAD = timedelta(days=1)


def new_scan_id(scanner: Scanner, at: datetime, token: str | None = None) -> ScanId:
    """An id for a scan asked for at `at` (aware); `token` (8 hex digits) makes it reproducible."""
    at = at.astimezone(UTC)
    fraction = at.microsecond * _STEPS // 10**6
    return ScanId(f"{at:{_SECOND}}-{scanner}-{token or f'{fraction:04x}{secrets.token_hex(2)}'}")


def next_scan_id(
    scanner: Scanner, at: datetime, known: Iterable[str], ending: str | None = None
) -> ScanId:
    """An id for a scan asked for at `at` (aware), newer than all ids in `known`, whatever the clock was set to.

    But for those more than a day ahead of a clock that is set: they would hold back all ids for as long. `ending`: the
    last four hex digits, else random ones.
    """
    at = at.astimezone(UTC)
    newest = _newest(known, at + _FAR_AHEAD if at >= _WRITTEN else _WRITTEN.replace(year=9000))
    second, step = divmod(max(_steps(at), newest + 1), _STEPS)
    moment = _BEGINNING + timedelta(seconds=second)
    return new_scan_id(scanner, moment, f"{step:04x}{ending or secrets.token_hex(2)}")


def age(scan_id: str) -> tuple[str, str]:
    """What ids of several scanners sort by, oldest first."""
    return scan_id[:16], scan_id[-8:]


def is_scan_id(name: str) -> bool:
    """Whether this is a scan id; one with an impossible date is none."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        return False
    try:
        datetime(*map(int, match.groups()[:6]), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return False
    return True


def scanner_of(scan_id: ScanId) -> Scanner:
    """The scanner that an id names; the id must be one."""
    return cast(Scanner, scan_id.split("-", 1)[1].rsplit("-", 1)[0])


def asked_at(scan_id: ScanId) -> datetime:
    """When the scan was asked for, to the second, UTC; the id must be one."""
    return datetime.strptime(scan_id.split("-", 1)[0], _SECOND).replace(tzinfo=UTC)


def _newest(known: Iterable[str], limit: datetime) -> int:
    """The newest id up to `limit`, in steps."""
    last = f"{limit:{_SECOND}}"
    ages = [age(i) for i in known if i[:16] <= last and is_scan_id(i)]
    if not ages:
        return 0
    second, digits = max(ages)
    return _steps(datetime.strptime(second, _SECOND).replace(tzinfo=UTC)) + int(digits[:4], 16)


def _steps(at: datetime) -> int:
    return (at - _BEGINNING) // timedelta(microseconds=1) * _STEPS // 10**6
