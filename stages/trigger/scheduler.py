"""The schedules of this host: compares them with the clock and writes the requests that are due.

A scheduled request carries a token made from its due time, and the state of the schedule is written
after the request is on disk. A crash between the two writes the same request again, which stays
one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from schemas.codec import replace
from schemas.ids import Scanner
from schemas.request import Reason
from schemas.schedule import NextDue, ScheduleState, ServerOverrides
from schemas.settings import Settings
from stages.runtime.process import Process
from stages.scanners import readiness, registry
from stages.scanners.spec import ScannerSpec
from stages.trigger import detected_host, due
from stages.trigger.cron import Cron, Interval, ScheduleError, zone_named
from stages.trigger.request_writer import RequestWriter, token_of

_LONGEST_STEP = timedelta(minutes=10)
# To check an expression takes longer than all the rest of a pass.
_cron = lru_cache(maxsize=8)(Cron)


@dataclass(frozen=True)
class Plan:
    """A schedule in force."""

    scanner: Scanner
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


@dataclass(frozen=True)
class _Decided:
    """The last decision. It stands until the next due time, unless its inputs change."""

    policy: due.SchedulePolicy
    state: ScheduleState
    at: datetime
    next_due: NextDue

    def stands(
        self, policy: due.SchedulePolicy, state: ScheduleState | None, now: datetime
    ) -> bool:
        is_same = (self.policy, self.state) == (policy, state)
        return is_same and self.at <= now < self.next_due.at


class Scheduler:
    """All schedules."""

    def __init__(self, process: Process, request_writer: RequestWriter) -> None:
        self._process = process
        self._request_writer = request_writer
        self._detection = detected_host.Detection(process)
        self._decided: dict[Scanner, _Decided] = {}
        """Every event makes a pass, and a scan publishes one for every rule."""
        self._started = process.now()
        self._last_pass = self._started

    def run_once(self, overrides: ServerOverrides) -> tuple[NextDue, ...]:
        """Request what is due; when each scanner runs next."""
        self._follow_the_clock()
        missing = detected_host.missing(self._detection.detected)
        in_force = {
            plan.scanner: plan for plan in plans(self._process.settings, overrides, missing)
        }
        for scanner in registry.all_keys():
            if scanner not in in_force:
                self._suspend(scanner)
        return tuple(self._carry_out(plan) for plan in in_force.values())

    def _carry_out(self, plan: Plan) -> NextDue:
        policy = self._policy(plan)
        now = self._process.now()
        state_name = _state_name(plan.scanner)
        before = self._process.state_store.read(state_name, ScheduleState)
        decided = self._decided.get(plan.scanner)
        if decided and decided.stands(policy, before, now):
            return decided.next_due
        decision = due.decide(plan.schedule, policy, _in_the_new_zone(before, plan), now)
        if decision.request:
            self._request(plan, decision.request, now)
        if decision.skipped:
            self._process.log.warning(
                "missed scan skipped", scanner=plan.scanner, due=decision.skipped
            )
        if decision.state != before:
            self._process.state_store.write(state_name, decision.state)
        next_due = NextDue(scanner=plan.scanner, schedule=plan.name, at=decision.next_at)
        self._decided[plan.scanner] = _Decided(policy, decision.state, now, next_due)
        return next_due

    def _policy(self, plan: Plan) -> due.SchedulePolicy:
        schedules = self._process.settings.compliance.schedules
        return due.SchedulePolicy(
            schedule=plan.text,
            time_zone=plan.time_zone,
            splay=_splay(self._process.settings, plan.scanner),
            missed=schedules.missed,
            catch_up_from=self._started + timedelta(seconds=schedules.catch_up_after_s),
        )

    def _suspend(self, scanner: Scanner) -> None:
        """What falls due while a schedule is switched off is not missed."""
        before = self._process.state_store.read(_state_name(scanner), ScheduleState)
        if before and before.schedule:
            self._process.state_store.write(_state_name(scanner), replace(before, schedule=""))
            self._decided.pop(scanner, None)

    def _follow_the_clock(self) -> None:
        """A clock that was set, or stood still in a suspend, counts as a start.

        Missed scans are then made up for a little later.
        """
        now = self._process.now()
        step = now - self._last_pass
        if step < timedelta() or step > _LONGEST_STEP:
            self._started = now
        self._last_pass = now

    def _request(self, plan: Plan, due_at: datetime, now: datetime) -> None:
        host_id = detected_host.host_id(self._process.settings)
        token = token_of("schedule", plan.scanner, due_at.isoformat(), host_id)
        detail = f"{plan.name}, due {due_at:%Y-%m-%d %H:%MZ}"
        reason = Reason(source="schedule", at=now, detail=detail[:256])
        self._request_writer.scan(plan.scanner, None, reason, token=token)


def next_due(
    settings: Settings, overrides: ServerOverrides, now: datetime, missing: Collection[Scanner] = ()
) -> tuple[NextDue, ...]:
    """When each scanner runs next, if the stage does not run.

    The settings must have no problems.
    """
    found: list[NextDue] = []
    for plan in plans(settings, overrides, missing):
        splay = _splay(settings, plan.scanner)
        at = plan.schedule.next_due(now - splay) + splay
        found.append(NextDue(scanner=plan.scanner, schedule=plan.name, at=at))
    return tuple(found)


def plans(
    settings: Settings, overrides: ServerOverrides, missing: Collection[Scanner] = ()
) -> list[Plan]:
    """The schedules in force.

    What the server has set takes precedence over the settings file, except that what the file
    switches off stays off. The server's interval is for the scanners that are not `missing` here,
    and for those that the file has a schedule for.
    """
    if overrides.mode == "on-demand":
        return []
    allowed: list[ScannerSpec] = []
    wanted: list[ScannerSpec] = []
    for spec in registry.scanners():
        is_here = spec.key not in missing
        refused = readiness.refusal(spec, settings, overrides)
        if refused or readiness.is_left_out(spec, settings, installed=is_here):
            continue
        allowed.append(spec)
        if is_here or spec.settings_in(settings).schedule:
            wanted.append(spec)
    if not wanted:
        # A failed scan shows the server that there is no scanner.
        wanted = allowed[:1]
    found: list[Plan] = []
    for spec in wanted:
        plan = _plan(spec, settings, overrides)
        if plan:
            found.append(plan)
    return found


def problems(settings: Settings) -> list[str]:
    """What is wrong with the schedules of the settings, each with its path."""
    found: list[str] = []
    try:
        zone: tzinfo = zone_named(settings.compliance.schedules.time_zone)
    except ScheduleError as error:
        found.append(f"compliance.schedules.time_zone: {error}")
        # What is wrong with an expression is wrong in every zone.
        zone = UTC
    for spec in registry.scanners():
        expression = spec.settings_in(settings).schedule
        if not expression:
            continue
        try:
            _cron(expression, zone)
        except ScheduleError as error:
            found.append(f"compliance.{spec.section}.schedule: {error}")
    return found


def _plan(spec: ScannerSpec, settings: Settings, overrides: ServerOverrides) -> Plan | None:
    """A scanner's schedule; None where it has none."""
    minutes = overrides.interval_minutes
    if minutes:
        return Plan(spec.key, Interval(minutes), f"every {minutes} min, set by the server")
    expression = spec.settings_in(settings).schedule
    if not expression:
        return None
    zone = zone_named(settings.compliance.schedules.time_zone)
    return Plan(spec.key, _cron(expression, zone), expression, str(zone))


def _in_the_new_zone(before: ScheduleState | None, plan: Plan) -> ScheduleState | None:
    """The state of a schedule whose time zone alone has changed.

    The times of day that the clock had shown in the old zone are over in the new one, too. A daily
    scan at 3:00 that has run in UTC does not run again when it is 3:00 in New York on the same day,
    and moving east does not skip a day.
    """
    schedule = plan.schedule
    if before is None or not isinstance(schedule, Cron) or schedule.is_every_hour:
        return before
    if before.schedule != plan.text or before.time_zone in (None, plan.time_zone):
        return before
    try:
        wall = before.until.astimezone(zone_named(before.time_zone))
    except ScheduleError:
        return before
    until = wall.replace(tzinfo=schedule.zone).astimezone(UTC)
    requested = (*before.requested, until)
    return replace(before, time_zone=plan.time_zone, until=until, requested=requested)


def _splay(settings: Settings, scanner: Scanner) -> timedelta:
    limit = timedelta(seconds=settings.compliance.schedules.splay_s)
    return due.splay_of(detected_host.host_id(settings), scanner, limit)


def _state_name(scanner: Scanner) -> str:
    return f"schedule-{scanner}"
