"""Scan ids: one name for one scan, from request to receipt.

A scan id reads `20261123T060301Z-openscap-3f9c2a17`: the second (UTC) in which the scan was asked for, its
scanner and eight hex digits. Ids sort by time and are safe as file names.
"""

import re
import secrets
from datetime import UTC, datetime
from typing import Literal, NewType, cast, get_args

ScanId = NewType("ScanId", str)
Scanner = Literal["openscap", "docker-bench"]
SCANNERS: tuple[Scanner, ...] = get_args(Scanner)

_PATTERN = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z-("
    + "|".join(SCANNERS)
    + r")-[0-9a-f]{8}"
)


def new_scan_id(scanner: Scanner, at: datetime, token: str | None = None) -> ScanId:
    """An id for a scan asked for at `at` (aware); `token` (8 hex digits) makes it reproducible."""
    return ScanId(f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{scanner}-{token or secrets.token_hex(4)}")


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
    return datetime.strptime(scan_id.split("-", 1)[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
