"""The raw manifest: what the scan stage did, and what the scanner left."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.ids import ScanId, Scanner
from schemas.records import Record, Time
from schemas.request import FailureCause, Reason

Outcome = Literal["finished", "failed", "cancelled", "merged"]
ContentSource = Literal["installed", "added", "server", "configured", "own"]
"""Where content is from: a package, `content add`, the server, the setting `content`, the agent
itself."""
ContentFit = Literal["exact", "related", "older", "baseline", "unknown"]
"""How well content fits a host: made for this very release, for a related system, for an older
release, the built-in baseline for any Linux; unknown where a configured file does not name its
product."""
Role = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=64)]
"""What a file of a raw entry is: `stdout`, `stderr`, or one of its scanner's own roles."""


class RawFile(Record, frozen=True, kw_only=True):
    """One file of a raw entry, stored compressed (zstd)."""

    role: Role
    name: str
    """File name inside the entry, for instance `arf.xml.zst`."""
    stored_bytes: Annotated[int, Meta(ge=0)]
    stored_sha256: str
    """Of the bytes as stored."""
    original_bytes: Annotated[int, Meta(ge=0)]
    """Length before compression: no reader unpacks more than this."""


class Content(Record, frozen=True, kw_only=True):
    """The security content that a scan used."""

    path: str
    sha256: str
    source: ContentSource
    fit: ContentFit = "unknown"
    version: str | None = None
    """Of the benchmark, as its publisher names it."""
    origin: str | None = None
    """Where the file came from, in one line, where its path does not say it."""


class TailoringFile(Record, frozen=True, kw_only=True):
    """The XCCDF tailoring file that a scan used, which is kept in its raw entry."""

    path: str
    sha256: str


class AppliedFix(Record, frozen=True, kw_only=True):
    """A rule that `compliance-agent fix` had fixed on this host before the scan."""

    rule_ref: str
    at: Time
    fix: str
    """The id of the fix."""


class Manifest(Record, frozen=True, kw_only=True):
    """One run of a scanner, or the reason why there was none."""

    scan_id: ScanId
    scanner: Scanner
    outcome: Outcome
    """`merged`: the request was answered by another scan, named in `answered_by`."""
    error: str | None = None
    """Why the scan failed or was cancelled, in one line; None when it finished."""
    cause: FailureCause | None = None
    """What made it fail; None where it did not."""
    answered_by: ScanId | None = None
    answers: tuple[ScanId, ...] = ()
    """Other requests that this run answers; each has a `merged` entry of its own."""
    profile_id: str | None = None
    """The profile that ran, by full id; None where none was found or the scanner has none."""
    profile_title: str | None = None
    reasons: tuple[Reason, ...] = ()
    """Every request that this scan answers, with its source."""
    command: tuple[str, ...] = ()
    exit_code: int | None = None
    """None where nothing was started, or where a signal ended it."""
    signal: int | None = None
    scanner_version: str | None = None
    content: Content | None = None
    tailoring: TailoringFile | None = None
    not_searched: tuple[str, ...] = ()
    """Paths that the scanner was made to leave out."""
    started_at: Time
    completed_at: Time
    warnings: tuple[str, ...] = ()
    """What an administrator should know of this run: content of a lower version, a clock that
    jumped.
    """
    fixes: tuple[AppliedFix, ...] = ()
    """The rules that were fixed before this scan, and not undone."""
    files: tuple[RawFile, ...] = ()
    agent_version: str

    def file(self, role: str | None) -> RawFile | None:
        """The file with this role; None where the scanner left none."""
        return next((file for file in self.files if file.role == role), None)
