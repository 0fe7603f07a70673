"""Whether the stages run and work, as their locks and heartbeats show."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.runtime.heartbeat import LastHeartbeat, is_suspended, read_heartbeat

StageState = Literal["running", "stopped", "suspended", "not responding"]
_HANGS_AFTER_S = 60.0
ACTIONS: Mapping[StageState, str] = {
    "suspended": "its process is stopped by a signal: continue it with kill -CONT",
    "not responding": "see its log, then kill its process: it is restarted",
}


def stage_states(runtime: Path, spool: Spool) -> tuple[dict[str, StageState], dict[str, datetime]]:
    """The state of each stage, and its last heartbeat where that is known."""
    states: dict[str, StageState] = {}
    last_worked: dict[str, datetime] = {}
    for stage in STAGES:
        heartbeat = read_heartbeat(runtime, stage)
        states[stage] = _stage_state(spool, stage, heartbeat)
        if heartbeat is not None:
            last_worked[stage] = heartbeat.at
    return states, last_worked


def _stage_state(spool: Spool, stage: Stage, heartbeat: LastHeartbeat | None) -> StageState:
    if not spool.is_running(stage):
        return "stopped"
    if heartbeat is None:
        return "running"
    if is_suspended(heartbeat.pid):
        return "suspended"
    age = datetime.now(UTC) - heartbeat.at
    if age.total_seconds() > _HANGS_AFTER_S:
        return "not responding"
    return "running"
