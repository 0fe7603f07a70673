"""What the metrics show, read from the spool and the runtime directory.

Used by the command and by the worker that keeps the file for node_exporter. A part that this user
may not read is left out.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from schemas.codec import replace
from schemas.destination import DESTINATION_STATE, Destination
from schemas.ids import requested_at
from schemas.receipt import Receipt
from schemas.schedule import TRIGGER_STATE, TriggerState
from spool.errors import SpoolError
from spool.layout import BOXES, STAGES, Stage
from spool.spool import Spool
from stages.formats.kept_scans import KeptScans
from stages.formats.metrics_records import (
    MetricsSnapshot,
    ProfileMetrics,
    StageMetrics,
    profile_metrics,
)
from stages.runtime.heartbeat import read_heartbeat
from stages.runtime.version import AGENT_VERSION

_HANGS_AFTER_S = 60.0


def metrics_snapshot(spool: Spool, runtime: Path, now: datetime) -> MetricsSnapshot:
    snapshot = MetricsSnapshot(
        agent_version=AGENT_VERSION,
        profiles=list(_profiles(spool)),
        stages=[_stage(spool, runtime, stage, now) for stage in STAGES],
        quarantined=sum(len(spool.outbox(box).quarantined()) for box in BOXES),
        free_bytes=_free_bytes(spool.root),
        connected=_is_connected(spool, runtime, now),
    )
    destination = spool.state_store("ship").read(DESTINATION_STATE, Destination)
    if destination is not None:
        snapshot = replace(snapshot, failed_attempts=destination.failures)
    receipt = _last_receipt(spool)
    if receipt is not None:
        snapshot = replace(snapshot, last_answer=receipt.answer, last_answer_at=receipt.at)
    return snapshot


def _profiles(spool: Spool) -> Iterator[ProfileMetrics]:
    kept = KeptScans(spool)
    for newest, newest_completed in kept.newest_of_each_profile():
        yield profile_metrics(newest, newest_completed)


def _stage(spool: Spool, runtime: Path, stage: Stage, now: datetime) -> StageMetrics:
    pending = spool.pending(stage)
    oldest = None
    if pending:
        oldest = requested_at(pending[0])
    return StageMetrics(
        stage=stage,
        running=_works(runtime, stage, now),
        pending=len(pending),
        oldest_pending_at=oldest,
    )


def _works(runtime: Path, stage: Stage, now: datetime) -> bool:
    """By its heartbeat: not every user may look at every stage's lock."""
    heartbeat = read_heartbeat(runtime, stage)
    return heartbeat is not None and (now - heartbeat.at).total_seconds() < _HANGS_AFTER_S


def _is_connected(spool: Spool, runtime: Path, now: datetime) -> bool | None:
    state = spool.state_store("trigger").read(TRIGGER_STATE, TriggerState)
    if state is None or state.connected is None:
        return None
    return state.connected and _works(runtime, "trigger", now)


def _last_receipt(spool: Spool) -> Receipt | None:
    """Of the newest scan that has one that can be read."""
    for scan_id in reversed(spool.receipts.ids()):
        try:
            return spool.receipts.read(scan_id)
        except SpoolError:
            continue
    return None


def _free_bytes(root: Path) -> int | None:
    try:
        status = os.statvfs(root)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize
