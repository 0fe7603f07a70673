"""The schedules of this host: compares them with the clock and writes the requests that are due.

A scheduled request carries a token made from its due time, and the state of the schedule is written
after the request is on disk. A crash between the two writes the same request again, which stays
one.
"""

from datetime import UTC, datetime, timedelta

from schemas.codec import replace
from schemas.records import Struct
from schemas.request import Reason
from schemas.schedule import NextDue, ScheduleState, ServerOverrides
from schemas.settings import Settings
from stages.runtime.process import Process
from stages.scanners import registry
from stages.trigger import detected_host, due
from stages.trigger.cron import Cron, ScheduleError, zone_named
from stages.trigger.plans import STATE_PREFIX, SchedulePlan, plans, splay, state_name
from stages.trigger.request_writer import RequestWriter, token_of

_LONGEST_STEP = timedelta(minutes=10)


class _Decided(Struct, frozen=True):
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
        self._decided: dict[str, _Decided] = {}
        """By the name of the state. Every event makes a pass, and a scan publishes one for every
        rule."""
        self._settings: Settings | None = None
        """Those of the last pass."""
        self._state_names: frozenset[str] = frozenset()
        """Of all scans of these."""
        self._started = process.now()
        self._last_pass = self._started

    def run_once(self, overrides: ServerOverrides) -> tuple[NextDue, ...]:
        """Request what is due; when each scan runs next."""
        self._follow_the_clock()
        self._follow_the_settings()
        missing = detected_host.missing(self._detection.detected)
        in_force = {
            plan.state_name: plan for plan in plans(self._process.settings, overrides, missing)
        }
        for name in self._state_names.difference(in_force):
            self._suspend(name)
        return tuple(map(self._carry_out, in_force.values()))

    def _carry_out(self, plan: SchedulePlan) -> NextDue:
        policy = self._policy(plan)
        now = self._process.now()
        before = self._process.state_store.read(plan.state_name, ScheduleState)
        decided = self._decided.get(plan.state_name)
        if decided and decided.stands(policy, before, now):
            return decided.next_due
        decision = due.decide(plan.schedule, policy, _in_the_new_zone(before, plan), now)
        if decision.request:
            self._request(plan, decision.request, now)
        if decision.skipped:
            self._process.log.warning(
                "missed scan skipped",
                scanner=plan.scanner,
                profile=plan.scan.profile_text,
                due=decision.skipped,
            )
        if decision.state != before:
            self._process.state_store.write(plan.state_name, decision.state)
        next_due = plan.due_at(decision.next_at)
        self._decided[plan.state_name] = _Decided(policy, decision.state, now, next_due)
        return next_due

    def _policy(self, plan: SchedulePlan) -> due.SchedulePolicy:
        schedules = self._process.settings.compliance.schedules
        return due.SchedulePolicy(
            schedule=plan.text,
            time_zone=plan.time_zone,
            splay=splay(self._process.settings, plan.scanner),
            missed=schedules.missed,
            catch_up_from=self._started + timedelta(seconds=schedules.catch_up_after_s),
        )

    def _suspend(self, name: str) -> None:
        """What falls due while a schedule is switched off is not missed."""
        before = self._process.state_store.read(name, ScheduleState)
        if before and before.schedule:
            self._process.state_store.write(name, replace(before, schedule=""))
            self._decided.pop(name, None)

    def _follow_the_settings(self) -> None:
        """Forget the scans that the settings do not have any more: one that is added again is a new
        one, and makes up for nothing."""
        settings = self._process.settings
        if settings is self._settings:
            return
        names: set[str] = set()
        for spec in registry.scanners():
            for scan in spec.settings_in(settings).planned_scans:
                names.add(state_name(spec.key, scan))
        for name in self._process.state_store.names():
            if name.startswith(STATE_PREFIX) and name not in names:
                self._process.state_store.forget(name)
                self._decided.pop(name, None)
        self._settings, self._state_names = settings, frozenset(names)

    def _follow_the_clock(self) -> None:
        """A clock that was set, or stood still in a suspend, counts as a start.

        Missed scans are then made up for a little later.
        """
        now = self._process.now()
        step = now - self._last_pass
        if not timedelta() <= step <= _LONGEST_STEP:
            self._started = now
        self._last_pass = now

    def _request(self, plan: SchedulePlan, due_at: datetime, now: datetime) -> None:
        host_id = detected_host.host_id(self._process.settings)
        token = token_of("schedule", plan.state_name, due_at.isoformat(), host_id)
        detail = f"{plan.name}, due {due_at:%Y-%m-%d %H:%MZ}"
        reason = Reason(source="schedule", at=now, detail=detail[:256])
        self._request_writer.planned(plan.scanner, plan.scan, reason, token)


def _in_the_new_zone(before: ScheduleState | None, plan: SchedulePlan) -> ScheduleState | None:
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
