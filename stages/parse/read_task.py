"""What the parse stage hands to its worker process; the reader itself is loaded only there."""

from typing import Any

from schemas.ids import ScanId
from schemas.records import Record

READ_ENTRY = "stages.parse.reader:read_entry"


class ReadTask(Record, frozen=True, kw_only=True):
    """Which raw entry to read, and with which settings."""

    spool: str
    scan_id: ScanId
    settings: dict[str, Any]
    """As plain values: their record is that of the registered scanners."""
    host: str
    """This host's name, by which waivers may be limited."""
