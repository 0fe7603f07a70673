"""Commands: what an operator writes into `commands/`, and the stages obey.

A wish for a scan is a plain `Request`; a hold is a `Hold`. Commands name every scan they touch.
"""

from datetime import datetime
from typing import Literal

from schemas.ids import ScanId
from schemas.records import Record


class Replay(Record, frozen=True, kw_only=True):
    """Do `step` again for these scans: the entries behind it go to history, and the stage looks
    again.
    """

    step: Literal["parse", "ship"]
    scan_ids: tuple[ScanId, ...]
    at: datetime
    force: bool = False
    """Ship even where a newer scan of the same profile has been accepted."""


class Hold(Record, frozen=True, kw_only=True):
    """Do not ship this scan until its hold is gone."""

    scan_id: ScanId
    at: datetime
    reason: str | None = None


class Retry(Record, frozen=True, kw_only=True):
    """Try the server now, whatever the back-off says."""

    at: datetime
