"""The input of every format: a report, and what else is known of its scan."""

from collections.abc import Callable, Iterator

from schemas.manifest import Role
from schemas.receipt import Receipt
from schemas.records import Struct
from schemas.report import Report
from stages.formats.trend import TrendPoint


class FormatError(Exception):
    """A format that does not exist, or that this scan has nothing for."""


def no_raw_file(role: Role) -> Iterator[bytes] | None:  # noqa: ARG001
    """For reports without a raw entry."""
    return None


class ReportSource(Struct, frozen=True, kw_only=True):
    """One report and what belongs to it.

    `host` is the name of the scanned host, None where it is not known. `history` holds the scans
    of the same profile, oldest first, this one included. `raw_file` opens one of the scanner's own
    files by its role, unpacked, in chunks; None where there is no such file.
    """

    report: Report
    agent_version: str
    receipt: Receipt | None = None
    host: str | None = None
    history: tuple[TrendPoint, ...] = ()
    raw_file: Callable[[Role], Iterator[bytes] | None] = no_raw_file
