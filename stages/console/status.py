"""`status`: which stages run, what can be scanned, and what is pending and why."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from schemas import codec
from schemas.capabilities import DETECTED_STATE, Detected
from schemas.command import Imported
from schemas.destination import Destination
from schemas.records import Record
from schemas.schedule import (
    TRIGGER_STATE,
    NextDue,
    ServerOverrides,
    TriggerState,
)
from schemas.settings import Settings
from spool.errors import EntryError
from spool.layout import BOXES
from spool.spool import Spool
from stages.console import scan_states, server_state
from stages.console.context import Context
from stages.console.detected_view import show_detected
from stages.console.disk_trouble import disk_trouble
from stages.console.entry_reading import problems
from stages.console.kept_detection import kept_detection
from stages.console.output import show_facts, show_record, show_table, show_text, unicode_text
from stages.console.planned_scans import PlannedScanStatus, planned_scans, show_planned_scans
from stages.console.stage_states import ACTIONS, StageState, stage_states
from stages.runtime.exits import Exit
from stages.runtime.moments import in_host_zone
from stages.runtime.printable import counted
from stages.scan import free_space
from stages.scanners import registry
from stages.ship.waiting import describe


class Status(Record, frozen=True, kw_only=True):
    """What `status --json` prints."""

    trouble: str | None
    """Why the stages can't work now: the disk, or a limit of the machine; None where they can."""
    spool: str
    stages: dict[str, StageState]
    last_worked: dict[str, datetime]
    """The last heartbeat of each stage, as far as it is known."""
    scans: dict[str, int]
    """How many scans are in each state."""
    blocked_reason: str | None
    """Why no scan is started; None where one would be."""
    full: tuple[str, ...]
    """Boxes that hold as many entries as are handled: their stages write nothing more."""
    damaged: dict[str, str]
    """Damaged entries of the newest pending scans, each with the reason."""
    quarantined: int
    unreadable: dict[str, str]
    """Entries that can't be read, each with the reason; they are set aside until they can."""
    newer: dict[str, str]
    """Entries of a later version, each with the reason why it stays pending."""
    imports_pending: int
    last_import: Imported | None
    detected: Detected | None
    server: str | None
    set_by_server: ServerOverrides
    """Mode, switches and intervals that the server has set; they take precedence over the
    settings.
    """
    trigger: TriggerState | None
    """When each scan runs next, and the connection for the server's commands."""
    planned_scans: tuple[PlannedScanStatus, ...]
    """The scans of the settings, each with its last result and its next due time."""
    delivery: Destination | None
    """The state of the delivery; None where nothing was ever to be sent."""
    clone: str | None
    """Why this host may be a clone that reports under another's id, and what to do."""
    risk: str | None
    """Why others can read or alter what is sent, and what to do; None where they can't."""
    config: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    spool = context.existing_spool()
    status = _status(context, spool)
    show_record(status, partial(_show, context, spool), as_json=context.json)
    if status.trouble:
        return Exit.UNUSABLE
    return Exit.OK


def _show(context: Context, spool: Spool, status: Status) -> None:
    if status.trouble:
        show_text(f"trouble: {status.trouble}", "red")
    show_table(("stage", "state", "last worked"), _stage_rows(status))
    for stage, state in status.stages.items():
        if state in ACTIONS:
            show_text(f"{stage}: {ACTIONS[state]}", "red")
    show_text()
    show_facts(_facts(status))
    show_text()
    if status.planned_scans:
        show_planned_scans(status.planned_scans)
        show_text()
    if status.detected:
        show_detected(status.detected, context.settings, server_state.overrides(context, spool))
    else:
        show_text(
            "scanners: not detected yet; the scan stage detects them when it starts", "yellow"
        )


def _stage_rows(status: Status) -> Iterator[tuple[str, str, str | None]]:
    now = datetime.now(UTC)
    for stage, state in status.stages.items():
        last_worked = None
        at = status.last_worked.get(stage)
        if at and state != "stopped":
            seconds = max(0.0, (now - at).total_seconds())
            last_worked = f"{seconds:.0f} s ago"
        yield stage, state, last_worked


def _facts(status: Status) -> Iterator[tuple[str, object]]:
    yield "settings", status.config or "none, the defaults apply"
    yield "spool", status.spool
    yield "server", status.server or "not set: results stay in the spool"
    yield "set by the server", _set_by_server(status.set_by_server)
    if status.delivery:
        yield "delivery", describe(status.delivery, datetime.now(UTC))
    elif status.server:
        yield "delivery", "not tried yet"
    if status.trigger:
        yield "commands", status.trigger.connection
    yield "clone", status.clone
    yield "risk", status.risk
    counts = [f"{count} {state}" for state, count in status.scans.items()]
    yield "scans", ", ".join(counts) or "none"
    if status.trouble is None:
        yield "blocked", status.blocked_reason
    for box in status.full:
        yield "full", f"{box}: work waits; lower spool.keep_days, see compliance-agent verify"
    yield from _entry_facts(status)
    yield from _import_facts(status)


def _entry_facts(status: Status) -> Iterator[tuple[str, object]]:
    """Entries that cannot be read."""
    yield "damaged", _entries(status.damaged, ", see compliance-agent verify")
    if status.quarantined:
        damaged = counted(status.quarantined, "damaged entry", "damaged entries")
        yield "quarantine", f"{damaged}: see compliance-agent verify"
    yield "set aside", _entries(status.unreadable, ", see compliance-agent verify")
    yield "newer", _entries(status.newer, " of a later version, pending")


def _entries(reasons: Mapping[str, str], what: str) -> str | None:
    """How many entries, and the reason of the first; None where there are none."""
    if not reasons:
        return None
    first = next(iter(reasons.values()))
    return f"{counted(len(reasons), 'entry', 'entries')}{what}: {first}"


def _import_facts(status: Status) -> Iterator[tuple[str, object]]:
    if status.imports_pending:
        yield "imports", f"{status.imports_pending} pending"
    if status.last_import and status.last_import.error:
        taken = "nothing was imported"
        if status.last_import.taken:
            taken = f"{counted(len(status.last_import.taken), 'report')} imported before that"
        yield "last import", f"failed, {taken}: {status.last_import.error}"


def _set_by_server(overrides: ServerOverrides) -> str | None:
    """Mode, and the scanners that are off, with the time of the last change; None for nothing."""
    parts: list[str] = []
    if overrides.mode is not None:
        parts.append(overrides.mode)
    for key, is_on in overrides.scanners.items():
        spec = registry.find(key)
        if spec is not None and not is_on:
            parts.append(f"{spec.title} off")
    if overrides.interval_minutes is not None:
        parts.append(f"a scan every {overrides.interval_minutes} min")
    if not parts:
        return None
    if overrides.since is not None:
        parts.append(f"since {in_host_zone(overrides.since):%Y-%m-%d %H:%M %Z}")
    return ", ".join(parts)


def _status(context: Context, spool: Spool) -> Status:
    boxes = scan_states.snapshot(spool)
    found = problems(spool, boxes)
    detected, trigger = _detected(spool), _trigger(context, spool)
    due = trigger.next_due if trigger else ()
    stages, last_worked = stage_states(context.runtime, spool)
    config = None
    if context.config is not None:
        config = unicode_text(context.config)
    return Status(
        trouble=disk_trouble(spool, context.runtime),
        spool=unicode_text(spool.root),
        stages=stages,
        last_worked=last_worked,
        scans=dict(Counter(map(boxes.state, boxes.scan_ids))),
        blocked_reason=free_space.why_scans_wait(
            spool.raw.path, context.settings.spool.min_free_mib
        ),
        full=tuple(box for box in BOXES if spool.outbox(box).is_full),
        damaged=found["damaged"],
        quarantined=sum(len(spool.outbox(box).quarantined()) for box in BOXES),
        unreadable=found["unreadable"],
        newer=found["newer"],
        imports_pending=len(spool.pending_imports()),
        last_import=_last_import(spool),
        detected=detected,
        server=context.settings.server.url,
        set_by_server=server_state.overrides(context, spool),
        trigger=trigger,
        planned_scans=planned_scans(context.settings, spool, kept_detection(spool), due),
        delivery=server_state.delivery(context, spool),
        clone=server_state.clone(context, spool),
        risk=server_state.risk(context),
        config=config,
    )


def _last_import(spool: Spool) -> Imported | None:
    for command_id in reversed(spool.reports.imported.ids()):
        with suppress(EntryError):
            return spool.reports.imported.read(command_id)
    return None


def _detected(spool: Spool) -> Detected | None:
    return spool.state_store("scan").read(DETECTED_STATE, Detected)


def _trigger(context: Context, spool: Spool) -> TriggerState | None:
    """The state of the trigger stage; while it is stopped, what it would do now."""
    if spool.is_running("trigger"):
        found = spool.state_store("trigger").read(TRIGGER_STATE, TriggerState)
        if found is None or found.url == context.settings.server.url:
            return found
        return codec.replace(found, connection="not tried yet", connected=False)
    planned = _planned(context.settings, server_state.overrides(context, spool), _detected(spool))
    if planned is None:
        return None
    return TriggerState(
        next_due=planned, connection="the trigger stage is not running", at=datetime.now(UTC)
    )


def _planned(
    settings: Settings, overrides: ServerOverrides, detected: Detected | None
) -> tuple[NextDue, ...] | None:
    """When each scan would run next; None where the schedules of the settings are wrong."""
    scans = [
        scan for spec in registry.scanners() for scan in spec.settings_in(settings).planned_scans
    ]
    if overrides == ServerOverrides() and not any(scan.schedule for scan in scans):
        return ()
    # Imported late: reading cron expressions takes longer to import than all the rest.
    from stages.trigger import detected_host, plans

    if plans.problems(settings):
        return None
    missing = detected_host.missing(detected)
    return plans.next_due(settings, overrides, datetime.now(UTC), missing)
