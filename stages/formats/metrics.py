"""The agent's state as metrics, for Prometheus. Pure: a snapshot in, text out.

Times are timestamps, never ages: a file that was written an hour ago is still correct, and
`time() - …` is the age. Labels are bounded: no rule, scan or message is ever a label, and of
profiles only the newest twenty per scanner are shown.

`openmetrics` is what the command prints. `prometheus_text` is for node_exporter's textfile
collector, which reads the older text format alone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.openmetrics import exposition

from schemas.manifest import ContentFit
from schemas.receipt import Answer
from stages.formats.metrics_records import MetricsSnapshot, ProfileMetrics, StageMetrics
from stages.formats.visible import visible_line

MOST_PROFILES = 20
LONGEST_LABEL = 128
_ANSWERS: tuple[Answer, ...] = ("accepted", "refused", "superseded")


def openmetrics(snapshot: MetricsSnapshot) -> bytes:
    write: Callable[[CollectorRegistry], bytes] = exposition.generate_latest
    return write(_registry(snapshot))


def prometheus_text(snapshot: MetricsSnapshot) -> bytes:
    return generate_latest(_registry(snapshot))


def _registry(snapshot: MetricsSnapshot) -> CollectorRegistry:
    gauges = _Gauges()
    gauges.set(
        "compliance_agent_info", "The agent's version; always 1.", 1, version=snapshot.agent_version
    )
    for profile in _bounded(snapshot.profiles):
        _add_profile(gauges, profile)
    for stage in snapshot.stages:
        _add_stage(gauges, stage)
    _add_delivery(gauges, snapshot)
    gauges.set(
        "compliance_agent_quarantined_entries",
        "Damaged entries of the spool in quarantine.",
        snapshot.quarantined,
    )
    gauges.set(
        "compliance_agent_spool_free_bytes",
        "Free space of the spool's file system.",
        snapshot.free_bytes,
    )
    return gauges.registry


class _Gauges:
    """Gauges by name; each is made with the labels of its first value."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, text: str, value: float | None, **labels: str) -> None:
        """Nothing where the value is not known."""
        if value is None:
            return
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, text, list(labels), registry=self.registry)
        gauge = self._gauges[name]
        if labels:
            gauge = gauge.labels(**labels)
        gauge.set(value)


def _bounded(profiles: Sequence[ProfileMetrics]) -> list[ProfileMetrics]:
    """The newest profiles of each scanner; the newer of two with equal shortened names."""
    kept: dict[tuple[str, str], ProfileMetrics] = {}
    counts: dict[str, int] = {}
    for each in sorted(profiles, key=lambda profile: profile.last_scan_at, reverse=True):
        labels = (each.scanner, _label(each.profile))
        count = counts.get(each.scanner, 0)
        if labels not in kept and count < MOST_PROFILES:
            kept[labels] = each
            counts[each.scanner] = count + 1
    return list(kept.values())


def _label(text: str) -> str:
    shown = visible_line(text)
    if len(shown) > LONGEST_LABEL:
        return f"{shown[: LONGEST_LABEL - 1]}…"
    return shown


def _add_profile(gauges: _Gauges, each: ProfileMetrics) -> None:
    labels = {"scanner": each.scanner, "profile": _label(each.profile)}
    for name, text, value in (
        (
            "compliance_last_scan_timestamp_seconds",
            "When the newest scan ended.",
            each.last_scan_at.timestamp(),
        ),
        (
            "compliance_last_scan_completed",
            "1 where the newest scan completed, 0 where it failed or was cancelled.",
            float(each.last_scan_completed),
        ),
        (
            "compliance_last_good_scan_timestamp_seconds",
            "When the newest scan that completed ended.",
            _timestamp(each.last_good_at),
        ),
        (
            "compliance_scan_duration_seconds",
            "How long the newest completed scan took.",
            each.duration_s,
        ),
        (
            "compliance_score_percent",
            "Score: the share of all rules that pass.",
            each.score,
        ),
        (
            "compliance_applicable_score_percent",
            "Applicable score: the share of applicable rules that pass.",
            each.applicable_score,
        ),
        (
            "compliance_waived_rules",
            "Failed rules that are waived.",
            each.waived,
        ),
        (
            "compliance_next_waiver_expiry_timestamp_seconds",
            "The end of the last day of the waiver in use that expires first.",
            _end_of_day(each.waiver_expires),
        ),
    ):
        gauges.set(name, text, value, **labels)
    _add_rules(gauges, each, labels)


def _add_rules(gauges: _Gauges, each: ProfileMetrics, labels: Mapping[str, str]) -> None:
    for status, count in each.rules:
        gauges.set("compliance_rules", "Rules by status.", count, **labels, status=status)
    for severity, count in each.failed:
        text = "Failed rules by severity."
        gauges.set("compliance_failed_rules", text, count, **labels, severity=severity)
    if each.content_fit is None:
        return
    for fit in get_args(ContentFit):
        gauges.set(
            "compliance_content_fit",
            "How well the content of the newest completed scan fits the host: 1 for its fit.",
            float(fit == each.content_fit),
            **labels,
            fit=fit,
        )


def _add_stage(gauges: _Gauges, each: StageMetrics) -> None:
    gauges.set(
        "compliance_agent_stage_up",
        "Whether the stage is running.",
        float(each.running),
        stage=each.stage,
    )
    gauges.set(
        "compliance_agent_pending_scans",
        "Scans that are waiting for the stage.",
        each.pending,
        stage=each.stage,
    )
    gauges.set(
        "compliance_agent_oldest_pending_timestamp_seconds",
        "When the oldest scan that waits for a stage was requested.",
        _timestamp(each.oldest_pending_at),
        stage=each.stage,
    )


def _add_delivery(gauges: _Gauges, snapshot: MetricsSnapshot) -> None:
    gauges.set(
        "compliance_agent_failed_attempts",
        "Consecutive requests to which the server gave no final answer.",
        snapshot.failed_attempts,
    )
    gauges.set(
        "compliance_agent_last_answer_timestamp_seconds",
        "When the server last answered a scan.",
        _timestamp(snapshot.last_answer_at),
    )
    if snapshot.last_answer is not None:
        for name in _ANSWERS:
            is_last = float(name == snapshot.last_answer)
            gauges.set(
                "compliance_agent_last_answer",
                "The server's last answer: 1 for the one that it gave.",
                is_last,
                answer=name,
            )
    gauges.set(
        "compliance_agent_connected",
        "Whether the server's commands can arrive.",
        snapshot.connected,
    )


def _timestamp(at: datetime | None) -> float | None:
    if at is None:
        return None
    return at.timestamp()


def _end_of_day(day: date | None) -> float | None:
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time.min, UTC).timestamp()
