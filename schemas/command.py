"""Commands: what an operator writes into `commands/`, and the stages carry out.

The request for a scan is a plain `Request`. Commands name every scan that they concern, except an
import, whose bundle does. What an operator brings from elsewhere is a file beside the command.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.ids import ScanId, Scanner
from schemas.manifest import Role
from schemas.records import Record, Time


class Replay(Record, frozen=True, kw_only=True):
    """Do `step` again for these scans: the entries behind it go to history first."""

    step: Literal["parse", "ship"]
    scan_ids: tuple[ScanId, ...]
    at: Time
    force: bool = False
    """Ship even where a newer scan of the same profile has been accepted."""


class Hold(Record, frozen=True, kw_only=True):
    """Do not ship this scan until its hold is gone."""

    scan_id: ScanId
    at: Time
    reason: str | None = None


class Retry(Record, frozen=True, kw_only=True):
    """Try the server now, without waiting for the back-off."""

    at: Time


class Import(Record, frozen=True, kw_only=True):
    """Take in the reports of the bundle beside this command: `ID.bundle` of `ID.import`."""

    at: Time
    held: tuple[ScanId, ...] = ()
    """The scans of the bundle that were put on hold for it, because another host has made them."""


class SubmittedFile(Record, frozen=True, kw_only=True):
    """One of the scanner's files; the files follow each other in the bundle."""

    role: Role
    name: str
    """As the operator named it, for messages."""
    length: Annotated[int, Meta(ge=0)]
    """In bytes, unpacked."""
    sha256: str


class Submission(Record, frozen=True, kw_only=True):
    """Take in the scanner output beside this command, `ID.bundle` of `ID.submission`, as the raw
    entry of this scan.
    """

    scan_id: ScanId
    """From the scan's own time and the digest of its files: the same files are the same scan."""
    scanner: Scanner
    profile_id: str | None = None
    profile_title: str | None = None
    host: str | None = None
    """The host that was scanned; None where the files do not name it."""
    started_at: Time
    completed_at: Time
    at: Time
    """When it was submitted."""
    files: tuple[SubmittedFile, ...]


class Imported(Record, frozen=True, kw_only=True):
    """What became of an import; the parse stage writes it, under the id of the command."""

    at: Time
    hostname: str | None = None
    """The host that wrote the bundle; None where the bundle could not be read."""
    taken: tuple[ScanId, ...] = ()
    present: tuple[ScanId, ...] = ()
    """Those that were in the spool already; they are left as they are."""
    error: str | None = None
    """Why the import failed. Reports that were written before that stay; `taken` names them."""
