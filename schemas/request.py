"""Requests and cancellations: what the trigger stage writes.

A request asks for one scan. Two requests for the same scanner, profile, tailoring and content may
be answered by one scan; the scan stage decides that, and records it in the raw manifest.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.ids import ScanId, Scanner
from schemas.planned_scan import profile_text
from schemas.records import Record, Time

Source = Literal["schedule", "server", "operator"]
RuleId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}$")]
Text256 = Annotated[str, Meta(max_length=256)]
Texts256 = Annotated[tuple[Text256, ...], Meta(min_length=1, max_length=64)]
Text4096 = Annotated[str, Meta(max_length=4096)]
FailureCause = Literal[
    "malformed-request",
    "too-many-requests",
    "remediation-not-allowed",
    "switched-off",
    "scanner-missing",
    "scanner-not-ready",
    "content-missing",
    "content-unusable",
    "tailoring-unusable",
    "unknown-profile",
    "title-in-use",
    "image-missing",
    "not-started",
    "time-limit",
    "output-limit",
    "scanner-failed",
    "scanner-killed",
    "never-ended",
    "results-unreadable",
    "damaged",
]
"""What made a scan fail, in two or three words: lists of the server show no more."""


class Reason(Record, frozen=True, kw_only=True):
    """Why a scan runs: who requested it, when, and under which id of theirs."""

    source: Source
    at: Time
    """When the request arrived, UTC."""
    request_id: Text256 | None = None
    """The requester's own id for it, such as the server's `request_id`; None if there is none."""
    detail: Text256 | None = None
    """One line for people: the cron expression, the operator's reason."""


class Refusal(Record, frozen=True, kw_only=True):
    """Why a request was refused."""

    reason: str
    cause: FailureCause


class Request(Record, frozen=True, kw_only=True):
    """One request for one scan."""

    scan_id: ScanId
    scanner: Scanner
    profile: Text256 | Texts256 | None = None
    """A profile by id, short name or title, or several of which the first that the content has is
    meant; None is that of the first scan in the settings."""
    tailoring: Text4096 | None = None
    """The tailoring file of a scan in the settings. One that is not in the settings any more is
    never opened: the scan fails."""
    content: Text4096 | None = None
    """The content of a scan in the settings, likewise."""
    reason: Reason
    fetch_remote: bool = False
    """Let the scanner fetch parts of its content from other hosts (`oscap
    --fetch-remote-resources`), if this host's own settings allow it."""
    token: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}$")] | None = None
    """Identifies a request that must not be made twice; the scan id ends with its first half."""
    refusal: Refusal | None = None
    """The scan fails with it, so the refusal is reported."""

    @property
    def profile_text(self) -> str | None:
        """The requested profile for people."""
        return profile_text(self.profile)


class Cancellation(Record, frozen=True, kw_only=True):
    """Cancels pending and running scans; scans that are done are left alone."""

    scan_ids: tuple[ScanId, ...]
    reason: Reason
