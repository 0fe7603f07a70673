"""The receipt: the last entry of a scan, with the server's answer."""

from typing import Literal

from schemas.ids import ScanId
from schemas.records import Record, Time
from schemas.report import ScanStatus

Answer = Literal["accepted", "refused", "superseded"]


class Receipt(Record, frozen=True, kw_only=True):
    """What became of one report."""

    scan_id: ScanId
    answer: Answer
    at: Time
    profile: str | None = None
    """The profile name at the server. A newer scan with this name and scanner replaces this one."""
    scan_status: ScanStatus | None = None
    destination: str | None = None
    """The server's URL, without credentials; None where nothing was sent."""
    status_code: int | None = None
    message: str | None = None
    """The server's message, or why nothing was sent, in one line."""
    server_scan_id: str | None = None
    superseded_by: ScanId | None = None
    attempts: int = 0
    """Requests made for this scan since the stage started, the last included."""
    sent_bytes: int | None = None
    left_out: tuple[str, ...] = ()
    """What was left out of the body to fit the server's limit."""
    remarks: tuple[str, ...] = ()
    """What an administrator should know of this delivery, one line each."""
