"""Notices: what `notify.command` reads on its standard input."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.ids import ScanId, Scanner
from schemas.records import Record, Time
from schemas.report import ScanStatus, Severity

NoticeEvent = Literal["worse", "failed", "refused"]
MOST_RULES = 50


class NoticeRule(Record, frozen=True, kw_only=True):
    """A rule that fails now and did not before."""

    rule_ref: str
    title: str
    severity: Severity


class Notice(Record, frozen=True, kw_only=True):
    """One thing that an administrator should know."""

    event: NoticeEvent
    """`worse`: rules fail that did not before. `failed`: a scan failed. `refused`: the server
    refuses a scan, or everything.
    """
    host: str
    message: str
    """The same in one line, for the subject of a mail."""
    scan_id: ScanId | None = None
    """None where the server refuses everything."""
    scanner: Scanner | None = None
    profile: str | None = None
    status: ScanStatus | None = None
    completed_at: Time | None = None
    error: str | None = None
    """Why the scan failed, or why the server refuses."""
    score: float | None = None
    applicable_score: float | None = None
    failed: int | None = None
    newly_failed: tuple[NoticeRule, ...] = ()
    """At most 50, worst first."""
    newly_failed_count: Annotated[int, Meta(ge=0)] = 0
    fixed_count: Annotated[int, Meta(ge=0)] = 0
    compared_with: ScanId | None = None


class NoticeState(Record, frozen=True, kw_only=True):
    """What notices were sent for; kept in the ship stage's state, under the name `notices`."""

    newest_report: ScanId | None = None
    paused_since: Time | None = None
