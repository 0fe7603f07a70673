"""Requests and cancellations: what the trigger stage writes.

A request asks for one scan. Two requests for the same scanner and profile may be answered by one
scan; that is the scan stage's decision and is told in the raw manifest, never here.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from schemas.ids import ScanId, Scanner
from schemas.records import Record

Source = Literal["schedule", "server", "operator"]
RuleId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}$")]
Text256 = Annotated[str, Meta(max_length=256)]


class Reason(Record, frozen=True, kw_only=True):
    """Why a scan runs: who asked, when, and under which name of theirs."""

    source: Source
    at: datetime
    """When the wish arrived, UTC."""
    request_id: Text256 | None = None
    """The asker's own name for it: the server's `request_id`; None where there is none."""
    detail: Text256 | None = None
    """One line for people: the cron expression, the operator's words."""


class Request(Record, frozen=True, kw_only=True):
    """One wish for one scan."""

    scan_id: ScanId
    scanner: Scanner
    profile: Text256 | None = None
    """A profile by id, short name or title; None is the configured one."""
    reason: Reason
    remediate: bool = False
    """Also change what fails (`oscap --remediate`); carried out only where this host's own settings
    allow it.
    """
    rule: RuleId | None = None
    """With `remediate`: change what this one rule finds, then scan as always."""
    token: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}$")] | None = None
    """What a wish that must not be asked for twice is known by; the scan's id ends with its first
    half.
    """
    refusal: str | None = None
    """Why this wish can't be carried out as it was given: the scan fails with it, so that nothing
    vanishes.
    """


class Cancellation(Record, frozen=True, kw_only=True):
    """A wish to end scans that wait or run; ids that are done are left alone."""

    scan_ids: tuple[ScanId, ...]
    reason: Reason
