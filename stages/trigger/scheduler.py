"""The schedules of this host: looks at the clock, decides, writes requests.

A scheduled request has a token made from its due time, and what was handled is noted after the request is on disk: a
crash between the two asks for the same wish again, which stays one.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from schemas.codec import replace
from schemas.ids import Scanner
from schemas.request import Reason
from schemas.schedule import NextDue, ScheduleState, ServerOverrides
from schemas.settings import Settings
from stages.runtime.process import Process
from stages.scanners import readiness, registry
from stages.trigger import due, host
from stages.trigger.cron import Cron, Interval, ScheduleError, zone_named
from stages.trigger.request_writer import RequestWriter, token_of

_LONGEST_STEP = timedelta(minutes=10)


class Scheduler:
    """All schedules."""

    def __init__(self, process: Process, request_writer: RequestWriter) -> None:
        self._process = process
        self._request_writer = request_writer
        self._detection = host.Detection(process)
        self._decided: dict[Scanner, tuple[object, datetime, NextDue]] = {}
        """Until when there is nothing to decide: every ring is a look, and a scan rings for every rule."""
        self._started = self._looked = process.now()

    def run_once(self, overrides: ServerOverrides) -> tuple[NextDue, ...]:
        """Request what is due; when each scanner runs next."""
        self._follow_the_clock()
        planned = plans(self._process.settings, overrides, host.missing(self._detection.detected))
        for scanner in registry.all_keys():
            if scanner not in planned:
                self._lay_down(scanner)
        return tuple(self._carry_out(scanner, *plan) for scanner, plan in planned.items())

    def _carry_out(self, scanner: Scanner, name: str, schedule: due.Schedule) -> NextDue:
        settings = self._process.settings.compliance.schedules
        now, note = self._process.now(), f"schedule-{scanner}"
        terms = due.SchedulePolicy(
            name=name,
            splay=due.splay_of(
                host.host_id(self._process.settings), scanner, timedelta(seconds=settings.splay_s)
            ),
            missed=settings.missed,
            catch_up_from=self._started + timedelta(seconds=settings.catch_up_after_s),
        )
        before = self._process.state_store.read(note, ScheduleState)
        decided = self._decided.get(scanner)
        if decided and decided[0] == (terms, before) and decided[1] <= now < decided[2].at:
            return decided[2]
        decision = due.decide(schedule, terms, _moved(before, name, schedule), now)
        if decision.request:
            self._request(scanner, name, decision.request, now)
        if decision.skipped:
            self._process.log.warning(
                "missed scan not made up for", scanner=scanner, due=decision.skipped
            )
        if decision.state != before:
            self._process.state_store.write(note, decision.state)
        next_due = NextDue(scanner=scanner, schedule=name, at=decision.next_at)
        self._decided[scanner] = ((terms, decision.state), now, next_due)
        return next_due

    def _lay_down(self, scanner: Scanner) -> None:
        """What falls due while a schedule is switched off is not missed."""
        note = f"schedule-{scanner}"
        before = self._process.state_store.read(note, ScheduleState)
        if before and before.schedule:
            self._process.state_store.write(note, replace(before, schedule=""))
            self._decided.pop(scanner, None)

    def _follow_the_clock(self) -> None:
        """The clock was set, or stood still in a suspend: that is a start, too, and what was missed waits a little."""
        now = self._process.now()
        if not timedelta() <= now - self._looked <= _LONGEST_STEP:
            self._started = now
        self._looked = now

    def _request(self, scanner: Scanner, name: str, at: datetime, now: datetime) -> None:
        token = token_of("schedule", scanner, at.isoformat(), host.host_id(self._process.settings))
        reason = Reason(source="schedule", at=now, detail=f"{name}, due {at:%Y-%m-%d %H:%MZ}"[:256])
        self._request_writer.scan(scanner, None, reason, token=token)


def _moved(before: ScheduleState | None, name: str, schedule: due.Schedule) -> ScheduleState | None:
    """The same times of day in another time zone: those that its clock had shown there are over here, too."""
    if before is None or not isinstance(schedule, Cron) or schedule.is_every_hour:
        return before
    expression, _, zone = before.schedule.rpartition(" ")
    if before.schedule == name or expression != schedule.expression:
        return before
    try:
        until = (
            before.until.astimezone(zone_named(zone)).replace(tzinfo=schedule.zone).astimezone(UTC)
        )
    except ScheduleError:
        return before
    return replace(before, schedule=name, until=until, requested=(*before.requested, until))


def next_due(
    settings: Settings, overrides: ServerOverrides, now: datetime, missing: Collection[Scanner] = ()
) -> tuple[NextDue, ...]:
    """When each scanner runs next, for whoever asks while the stage does not run. The settings must be right."""
    limit = timedelta(seconds=settings.compliance.schedules.splay_s)
    found = []
    for scanner, (name, schedule) in plans(settings, overrides, missing).items():
        splay = due.splay_of(host.host_id(settings), scanner, limit)
        found.append(
            NextDue(scanner=scanner, schedule=name, at=schedule.next_due(now - splay) + splay)
        )
    return tuple(found)


def plans(
    settings: Settings, overrides: ServerOverrides, missing: Collection[Scanner] = ()
) -> dict[Scanner, tuple[str, due.Schedule]]:
    """The schedules in force, each with its name.

    What the server has set comes before the settings file, but for what the file switches off: that stays off. The
    server's interval is for the scanners that are not `missing` here, or that the file has a schedule for.
    """
    if overrides.mode == "on-demand":
        return {}
    allowed = [
        spec for spec in registry.scanners() if readiness.refusal(spec, settings, overrides) is None
    ]
    wanted = [
        spec for spec in allowed if spec.key not in missing or spec.settings_in(settings).schedule
    ]
    found: dict[Scanner, tuple[str, due.Schedule]] = {}
    for spec in wanted or allowed[:1]:
        expression = spec.settings_in(settings).schedule
        if overrides.interval_minutes:
            name = f"every {overrides.interval_minutes} min, set by the server"
            found[spec.key] = (name, Interval(overrides.interval_minutes))
        elif expression:
            zone = zone_named(settings.compliance.schedules.time_zone)
            found[spec.key] = (f"{expression} {zone}", _cron(expression, zone))
    return found


# To check an expression takes longer than the rest of a look.
_cron = lru_cache(maxsize=8)(Cron)


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
        try:
            if expression:
                _cron(expression, zone)
        except ScheduleError as error:
            found.append(f"compliance.{spec.section}.schedule: {error}")
    return found
