"""Commands: what an operator writes into `commands/`, and the stages carry out.

The request for a scan is a plain `Request`. Commands name every scan that they concern, except an
import, whose bundle does.
"""

from datetime import datetime
from typing import Literal

from schemas.ids import ScanId
from schemas.records import Record


class Replay(Record, frozen=True, kw_only=True):
    """Do `step` again for these scans: the entries behind it go to history first."""

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
    """Try the server now, without waiting for the back-off."""

    at: datetime


class Import(Record, frozen=True, kw_only=True):
    """Take in the reports of the bundle beside this command: `ID.bundle` of `ID.import`."""

    at: datetime
    held: tuple[ScanId, ...] = ()
    """The scans of the bundle that were put on hold for it, because another host has made them."""


class Imported(Record, frozen=True, kw_only=True):
    """What became of an import; the parse stage writes it, under the id of the command."""

    at: datetime
    hostname: str | None = None
    """The host that wrote the bundle; None where the bundle could not be read."""
    taken: tuple[ScanId, ...] = ()
    present: tuple[ScanId, ...] = ()
    """Those that were in the spool already; they are left as they are."""
    error: str | None = None
    """Why the import failed. Reports that were written before that stay; `taken` names them."""
