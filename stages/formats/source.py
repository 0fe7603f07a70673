"""The input of every format: a report, and what else is known of its scan."""

from schemas.receipt import Receipt
from schemas.records import Struct
from schemas.report import Report
from stages.formats.trend import TrendPoint


class FormatError(Exception):
    """A format that does not exist."""


class ReportSource(Struct, frozen=True, kw_only=True):
    """One report and what belongs to it.

    `host` is the name of the scanned host, None where it is not known. `history` holds the scans
    of the same profile, oldest first, this one included.
    """

    report: Report
    agent_version: str
    receipt: Receipt | None = None
    host: str | None = None
    history: tuple[TrendPoint, ...] = ()
