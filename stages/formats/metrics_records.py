"""The records behind the metrics: a snapshot of the agent's state and of each profile. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

from schemas.manifest import ContentFit
from schemas.receipt import Answer
from schemas.records import Struct
from schemas.report import Report, RuleStatus, Severity
from stages.formats import breakdown


class ProfileMetrics(Struct, frozen=True, kw_only=True):
    """One profile of one scanner. `last_good_at` is the newest scan that completed."""

    scanner: str
    profile: str
    last_scan_at: datetime
    last_scan_completed: bool
    last_good_at: datetime | None = None
    duration_s: float | None = None
    score: float | None = None
    applicable_score: float | None = None
    rules: tuple[tuple[RuleStatus, int], ...] = ()
    failed: tuple[tuple[Severity, int], ...] = ()
    content_fit: ContentFit | None = None
    waived: int | None = None
    waiver_expires: date | None = None
    """The last day of the waiver in use that expires first."""


class StageMetrics(Struct, frozen=True, kw_only=True):
    """One stage: whether it runs, how many scans wait for it, and since when the oldest."""

    stage: str
    running: bool
    pending: int
    oldest_pending_at: datetime | None = None


class MetricsSnapshot(Struct, frozen=True, kw_only=True):
    """The agent's state. None where something is not known or does not apply."""

    agent_version: str
    profiles: Sequence[ProfileMetrics] = ()
    stages: Sequence[StageMetrics] = ()
    quarantined: int = 0
    free_bytes: int | None = None
    failed_attempts: int | None = None
    """Consecutive requests to which the server gave no final answer."""
    last_answer: Answer | None = None
    last_answer_at: datetime | None = None
    connected: bool | None = None
    """Whether the server's commands can arrive; None where they are not wanted."""


def profile_metrics(newest: Report, good: Report | None) -> ProfileMetrics:
    """From the newest scan of a profile, and the newest that completed, `good` (often the same)."""
    if good is None:
        return ProfileMetrics(
            scanner=newest.profile.type,
            profile=newest.profile.name,
            last_scan_at=newest.completed_at,
            last_scan_completed=False,
        )
    failed = breakdown.of_status(good.results, "fail")
    waived = [result.waiver for result in good.results if result.waiver is not None]
    last_days = [waiver.expires for waiver in waived if waiver.expires is not None]
    return ProfileMetrics(
        scanner=newest.profile.type,
        profile=newest.profile.name,
        last_scan_at=newest.completed_at,
        last_scan_completed=newest.status == "completed",
        last_good_at=good.completed_at,
        duration_s=(good.completed_at - good.started_at).total_seconds(),
        score=good.summary.score,
        applicable_score=good.summary.applicable_score,
        rules=tuple(breakdown.count_by_status(good.results).items()),
        failed=tuple(breakdown.count_by_severity(failed).items()),
        content_fit=_content_fit(good),
        waived=len(waived),
        waiver_expires=min(last_days, default=None),
    )


def _content_fit(report: Report) -> ContentFit | None:
    if report.content is None:
        return None
    return report.content.fit
