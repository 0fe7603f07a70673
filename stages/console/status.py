"""`status`: what runs, what can be scanned, what waits and why."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

from schemas.capabilities import Detected
from schemas.destination import Destination
from schemas.records import Record
from schemas.schedule import ServerOverrides, TriggerState
from spool.layout import BOXES, STAGES, Stage
from spool.spool import Spool
from stages.console import states
from stages.console.context import Context
from stages.console.detect import show_detected
from stages.console.output import say, show_facts, show_json, show_table, unicode_text
from stages.runtime.exits import Exit
from stages.runtime.heartbeat import LastHeartbeat, is_suspended, read_heartbeat
from stages.scan import free_space
from stages.scanners.detection import STATE
from stages.ship.destination import NOTE as DESTINATION
from stages.ship.waiting import describe
from stages.trigger.host import missing
from stages.trigger.scheduler import next_due, problems
from stages.trigger.server_commands import STATE as APPLIED
from stages.trigger.stage import NOTE as TRIGGER

StageState = Literal["running", "stopped", "suspended", "not responding"]
_HANGS_AFTER_S = 60.0
_TO_DO: Mapping[StageState, str] = {
    "suspended": "something has stopped its process by a signal: kill -CONT lets it go on",
    "not responding": "look at its log, then kill its process: it is started again",
}
UNVERIFIED = "NOT CHECKED (server.verify: false): anyone on the way can read and alter what is sent"


class Status(Record, frozen=True, kw_only=True):
    """What `status --json` prints."""

    spool: str
    stages: dict[str, StageState]
    last_worked: dict[str, datetime]
    """When the work loop of each stage last turned, as far as that is known."""
    scans: dict[str, int]
    scans_wait: str | None
    """Why no scan is started; None where one would be."""
    quarantined: int
    detected: Detected | None
    server: str | None
    trigger: TriggerState | None
    """When each scanner runs next, and the link to the server's commands."""
    delivery: Destination | None
    """How it stands with the server; None where nothing was ever to be sent."""
    certificates_verified: bool
    config: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    status = _status(context)
    if context.json:
        show_json(status)
        return Exit.OK
    show_table(("stage", "state", "last worked"), _stage_rows(status))
    for stage, state in status.stages.items():
        if state in _TO_DO:
            say(f"{stage}: {_TO_DO[state]}", "red")
    say()
    show_facts(
        (
            ("settings", status.config or "none, the defaults"),
            ("spool", status.spool),
            ("server", status.server or "not set: results stay in the spool"),
            (
                "delivery",
                describe(status.delivery, datetime.now(UTC)) if status.delivery else None,
            ),
            ("commands", status.trigger.link if status.trigger else None),
            *_next_due(status),
            ("certificates", None if status.certificates_verified else UNVERIFIED),
            (
                "scans",
                ", ".join(f"{count} {state}" for state, count in status.scans.items()) or "none",
            ),
            ("scans wait", status.scans_wait),
            (
                "quarantine",
                f"{status.quarantined} damaged entries: see verify" if status.quarantined else None,
            ),
        )
    )
    say()
    if status.detected:
        show_detected(status.detected, context.settings, _overrides(context.existing_spool()))
    else:
        say("scanners: not detected yet; the scan stage does that at its start", "yellow")
    return Exit.OK


def _stage_rows(status: Status) -> Iterator[tuple[str, str, str | None]]:
    now = datetime.now(UTC)
    for stage, state in status.stages.items():
        at = status.last_worked.get(stage)
        ago = (
            f"{max(0.0, (now - at).total_seconds()):.0f} s ago"
            if at and state != "stopped"
            else None
        )
        yield stage, state, ago


def _state_of(spool: Spool, stage: Stage, seen: LastHeartbeat | None) -> StageState:
    if not spool.is_running(stage):
        return "stopped"
    if seen and is_suspended(seen.pid):
        return "suspended"
    if seen and (datetime.now(UTC) - seen.at).total_seconds() > _HANGS_AFTER_S:
        return "not responding"
    return "running"


def _next_due(status: Status) -> list[tuple[str, str]]:
    planned = status.trigger.next_due if status.trigger else ()
    return [
        (f"next {due.scanner}", f"{due.at.astimezone():%a %Y-%m-%d %H:%M %Z} ({due.schedule})")
        for due in planned
    ]


def _overrides(spool: Spool) -> ServerOverrides:
    return spool.state_store("trigger").read(APPLIED, ServerOverrides) or ServerOverrides()


def _trigger(context: Context, spool: Spool) -> TriggerState | None:
    """From the stage itself; where it does not run, what it would do now."""
    state_store = spool.state_store("trigger")
    if spool.is_running("trigger"):
        return state_store.read(TRIGGER, TriggerState)
    if problems(context.settings):
        return None
    now = datetime.now(UTC)
    overrides = _overrides(spool)
    planned = next_due(
        context.settings, overrides, now, missing(spool.state_store("scan").read(STATE, Detected))
    )
    return TriggerState(next_due=planned, link="the trigger stage does not run", at=now)


def _status(context: Context) -> Status:
    spool = context.existing_spool()
    boxes = states.snapshot(spool)
    seen = {stage: read_heartbeat(context.runtime, stage) for stage in STAGES}
    return Status(
        spool=unicode_text(spool.root),
        stages={stage: _state_of(spool, stage, seen[stage]) for stage in STAGES},
        last_worked={stage: found.at for stage, found in seen.items() if found},
        scans=dict(Counter(boxes.state(scan_id) for scan_id in boxes.scan_ids)),
        scans_wait=free_space.why_none(spool.root, context.settings.spool.min_free_mib),
        quarantined=sum(len(spool.outbox(box).quarantined()) for box in BOXES),
        detected=spool.state_store("scan").read(STATE, Detected),
        server=context.settings.server.url,
        trigger=_trigger(context, spool),
        delivery=spool.state_store("ship").read(DESTINATION, Destination),
        certificates_verified=context.settings.server.verify,
        config=unicode_text(context.config) if context.config else None,
    )
