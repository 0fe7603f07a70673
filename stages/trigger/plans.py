"""The schedules in force: what the settings and the server want of this host.

What the server has set takes precedence over the settings file, except that what the file switches
off stays off.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from schemas.ids import Scanner
from schemas.planned_scan import PlannedScan
from schemas.records import Struct
from schemas.schedule import NextDue, ServerOverrides
from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.scanners import readiness, registry
from stages.scanners.spec import ScannerSpec
from stages.trigger import detected_host, due
from stages.trigger.cron import Cron, Interval, ScheduleError, zone_named
from stages.trigger.request_writer import token_of

STATE_PREFIX = "schedule-"
# Checking an expression takes longer than the rest of a pass.
_cron = lru_cache(maxsize=32)(Cron)


class SchedulePlan(Struct, frozen=True):
    """A schedule in force."""

    scanner: Scanner
    scan: PlannedScan
    schedule: due.Schedule
    text: str
    """The expression or interval."""
    time_zone: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        if self.time_zone is None:
            return self.text
        return f"{self.text} {self.time_zone}"

    @property
    def state_name(self) -> str:
        return state_name(self.scanner, self.scan)

    def due_at(self, at: datetime) -> NextDue:
        return NextDue(
            scanner=self.scanner,
            profile=self.scan.profile_text,
            tailoring=self.scan.tailoring,
            content=self.scan.content,
            schedule=self.name,
            at=at,
        )


def next_due(
    settings: Settings, overrides: ServerOverrides, now: datetime, missing: Collection[Scanner] = ()
) -> tuple[NextDue, ...]:
    """When each scan would run next, worked out without the running stage and its state.

    The settings must have no problems.
    """
    found: list[NextDue] = []
    for plan in plans(settings, overrides, missing):
        delay = splay(settings, plan.scanner)
        at = plan.schedule.next_due(now - delay) + delay
        found.append(plan.due_at(at))
    return tuple(found)


def plans(
    settings: Settings, overrides: ServerOverrides, missing: Collection[Scanner] = ()
) -> list[SchedulePlan]:
    """The schedules in force.

    An interval that the server has set replaces the schedule of a scanner's first scan, which is
    also the one that a request without a profile means; its other scans keep the schedules of the
    file.
    """
    if overrides.mode == "on-demand":
        return []
    found: list[SchedulePlan] = []
    for spec in _scheduled(settings, overrides, missing):
        first, *others = _scans(spec, settings)
        found += _plan(spec, first, settings, overrides.interval_minutes)
        for scan in others:
            found += _plan(spec, scan, settings, None)
    return found


def _scheduled(
    settings: Settings, overrides: ServerOverrides, missing: Collection[Scanner]
) -> list[ScannerSpec]:
    """The scanners that schedules are for: those that this host has, and those that are `missing`
    but have a schedule in the file.
    """
    allowed: list[ScannerSpec] = []
    scheduled: list[ScannerSpec] = []
    for spec in registry.scanners():
        is_here = spec.key not in missing
        refused = readiness.refusal(spec, settings, overrides)
        if refused or readiness.is_left_out(spec, settings, installed=is_here):
            continue
        allowed.append(spec)
        if is_here or any(scan.schedule for scan in _scans(spec, settings)):
            scheduled.append(spec)
    if not scheduled:
        # The server's interval would lead to no scan at all. A failed one shows the server that
        # this host has no scanner.
        return allowed[:1]
    return scheduled


def problems(settings: Settings) -> list[KeyProblem]:
    """What is wrong with the schedules of the settings."""
    found: list[KeyProblem] = []
    try:
        zone: tzinfo = zone_named(settings.compliance.schedules.time_zone)
    except ScheduleError as error:
        found.append(KeyProblem("compliance.schedules.time_zone", str(error)))
        # What is wrong with an expression is wrong in every zone.
        zone = UTC
    for spec in registry.scanners():
        for scan in _scans(spec, settings):
            if not scan.schedule:
                continue
            try:
                _cron(scan.schedule, zone)
            except ScheduleError as error:
                key = f"compliance.{spec.section}.{scan.schedule_key}"
                found.append(KeyProblem(key, str(error)))
    return found


def _scans(spec: ScannerSpec, settings: Settings) -> tuple[PlannedScan, ...]:
    return spec.settings_in(settings).planned_scans


def _plan(
    spec: ScannerSpec, scan: PlannedScan, settings: Settings, minutes: int | None
) -> Iterator[SchedulePlan]:
    """The schedule of a scan, or the server's interval in its place; nothing where there is
    neither.
    """
    if minutes:
        text = f"every {minutes} min, set by the server"
        yield SchedulePlan(spec.key, scan, Interval(minutes), text)
    elif scan.schedule:
        zone = zone_named(settings.compliance.schedules.time_zone)
        yield SchedulePlan(spec.key, scan, _cron(scan.schedule, zone), scan.schedule, str(zone))


def splay(settings: Settings, scanner: Scanner) -> timedelta:
    limit = timedelta(seconds=settings.compliance.schedules.splay_s)
    return due.splay_of(detected_host.host_id(settings), scanner, limit)


def state_name(scanner: Scanner, scan: PlannedScan) -> str:
    """The same for the same scan, wherever it is in its list."""
    if not scan.key:
        return f"{STATE_PREFIX}{scanner}"
    parts = (scan.profile_text, scan.tailoring, scan.content)
    return f"{STATE_PREFIX}{scanner}-{token_of(*(part or '' for part in parts))}"
