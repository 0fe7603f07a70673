"""Scan ids: one name for one scan, from its request to its receipt; and the short ids of rules.

A scan id reads `20261123T060301Z-openscap-3f9c2a17`: the second (UTC) in which the scan was
requested, its scanner, and eight hex digits, of which the first four are the fraction of that
second.

Ids of one spool strictly increase as text, whatever its clock does: each new id is made greater
than the newest one. Their order is the order of the requests, and the time in an id can differ from
the clock's. The exception is a scan made elsewhere, whose id is made from its own time. All are
safe as file names.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, NewType

from msgspec import Meta

ScanId = NewType("ScanId", str)
Scanner = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=32)]
"""The key of a scanner; `stages.scanners.registry` lists those of this version."""

_PATTERN = re.compile(
    r"(19[7-9][0-9]|[2-9][0-9]{3})(?<!9999)(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])T"
    r"([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])Z-"
    r"(?=[a-z0-9-]{1,32}-[0-9a-f]{8}\Z)([a-z0-9]+(?:-[a-z0-9]+)*)-([0-9a-f]{8})"
)
_SECOND = "%Y%m%dT%H%M%SZ"
_STEPS = 16**4
"""Steps of the fraction in a second."""


def new_scan_id(scanner: Scanner, at: datetime, token: str | None = None) -> ScanId:
    """An id for a scan requested at `at` (aware); `token` (8 hex digits) makes it reproducible."""
    at = at.astimezone(UTC)
    if token is None:
        token = f"{_fraction(at)}{_random_digits()}"
    return ScanId(f"{at:{_SECOND}}-{scanner}-{token}")


def next_scan_id(
    scanner: Scanner, at: datetime, newest: ScanId | None, ending: str | None = None
) -> ScanId:
    """An id for a scan requested at `at` (aware), greater than `newest`, the newest id of the
    spool.

    `ending`: the last four hex digits, else random ones.
    """
    ending = ending or _random_digits()
    made = new_scan_id(scanner, at, f"{_fraction(at)}{ending}")
    if newest is None or made > newest:
        return made
    # The clock was set back, or stands still, or another scanner was requested within this second.
    second = requested_at(newest)
    step = int(newest[-8:-4], 16) + 1
    if step < _STEPS:
        made = new_scan_id(scanner, second, f"{step:04x}{ending}")
        if made > newest:
            return made
    return new_scan_id(scanner, second + timedelta(seconds=1), f"0000{ending}")


def _fraction(at: datetime) -> str:
    """The fraction of the second, as four hex digits."""
    return f"{at.microsecond * _STEPS // 10**6:04x}"


def _random_digits() -> str:
    import secrets  # slow to import, and needed only to make an id

    return secrets.token_hex(2)


def is_scan_id(name: str) -> bool:
    """Whether this is a scan id.

    False for a date that does not exist, for one before 1970, which no clock shows and which can't
    be shown in every time zone, and for the year 9999: there would be no id after it.
    """
    match = _PATTERN.fullmatch(name)
    if match is None:
        return False
    year, month, day = match[1], match[2], match[3]
    # Every directory listing asks this of every name: only the last days of a month need a
    # calendar.
    if day <= "28":
        return True
    try:
        datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return False
    return True


def scanner_of(scan_id: ScanId) -> Scanner:
    """The scanner that an id names; the id must be one."""
    return scan_id.split("-", 1)[1].rsplit("-", 1)[0]


def requested_at(scan_id: ScanId) -> datetime:
    """When the scan was requested, to the second, UTC; the id must be one."""
    return datetime.strptime(scan_id.split("-", 1)[0], _SECOND).replace(tzinfo=UTC)


def short_rule_id(rule_ref: str) -> str:
    """The part of an XCCDF id after `_rule_`, like `sshd_disable_root_login`; any other id as it
    is.
    """
    return rule_ref.rpartition("_rule_")[2]
