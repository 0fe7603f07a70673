"""The schedules of this host: looks at the clock, decides, writes requests.

A scheduled request has an id made from its due time, and what was handled is noted after the request is on disk: a
crash between the two asks for the same id again.
"""

from datetime import datetime, timedelta

from schemas.ids import SCANNERS, Scanner
from schemas.request import Reason, Request
from schemas.schedule import Applied, Handled, NextDue
from schemas.settings import Settings
from stages.process.process import Process
from stages.trigger import due
from stages.trigger.cron import Cron, Every, ScheduleError, zone_named
from stages.trigger.host import host_id
from stages.trigger.wishes import Wishes, repeatable_id


class Scheduler:
    """All schedules."""

    def __init__(self, process: Process, wishes: Wishes) -> None:
        self._process = process
        self._wishes = wishes
        self._started = process.now()

    def look(self, applied: Applied) -> tuple[NextDue, ...]:
        """Request what is due; when each scanner runs next."""
        planned = plans(self._process.settings, applied)
        return tuple(self._carry_out(scanner, *plan) for scanner, plan in planned.items())

    def _carry_out(self, scanner: Scanner, name: str, schedule: due.Schedule) -> NextDue:
        settings = self._process.settings.compliance.schedules
        now, note = self._process.now(), f"schedule-{scanner}"
        terms = due.Terms(
            name=name,
            splay=due.splay_of(host_id(self._process.settings), scanner, timedelta(seconds=settings.splay_s)),
            missed=settings.missed,
            catch_up_from=self._started + timedelta(seconds=settings.catch_up_after_s),
        )
        before = self._process.notes.read(note, Handled)
        decision = due.decide(schedule, terms, before, now)
        if decision.request:
            self._request(scanner, name, decision.request, now)
        if decision.passed_over:
            self._process.log.warning(
                "missed scan not made up for", scanner=scanner, due=decision.passed_over
            )
        if decision.handled != before:
            self._process.notes.write(note, decision.handled)
        return NextDue(scanner=scanner, schedule=name, at=decision.next_look)

    def _request(self, scanner: Scanner, name: str, at: datetime, now: datetime) -> None:
        scan_id = repeatable_id(scanner, at, host_id(self._process.settings))
        reason = Reason(source="schedule", at=now, detail=f"{name}, due {at:%Y-%m-%d %H:%MZ}"[:256])
        self._wishes.scan(Request(scan_id=scan_id, scanner=scanner, reason=reason))


def plans(settings: Settings, applied: Applied) -> dict[Scanner, tuple[str, due.Schedule]]:
    """The schedules in force, each with its name. What the server has set comes before the settings file."""
    compliance = settings.compliance
    mode = applied.mode or ("enabled" if compliance.enabled else "disabled")
    if mode != "enabled" or not compliance.enabled:
        return {}
    switched = {
        "openscap": compliance.openscap.enabled and applied.openscap_enabled is not False,
        "docker-bench": compliance.docker_bench.enabled and applied.docker_bench_enabled is not False,
    }
    expressions = {"openscap": compliance.openscap.schedule, "docker-bench": compliance.docker_bench.schedule}
    found: dict[Scanner, tuple[str, due.Schedule]] = {}
    for scanner in SCANNERS:
        expression = expressions[scanner]
        if not switched[scanner]:
            continue
        if applied.interval_minutes:
            found[scanner] = (
                f"every {applied.interval_minutes} min, set by the server",
                Every(applied.interval_minutes),
            )
        elif expression:
            zone = zone_named(compliance.schedules.time_zone)
            found[scanner] = (f"{expression} {zone}", Cron(expression, zone))
    return found


def problems(settings: Settings) -> list[str]:
    """What is wrong with the schedules of the settings, each with its path."""
    compliance = settings.compliance
    found: list[str] = []
    try:
        zone = zone_named(compliance.schedules.time_zone)
    except ScheduleError as error:
        return [f"compliance.schedules.time_zone: {error}"]
    for name, expression in (
        ("openscap", compliance.openscap.schedule),
        ("docker_bench", compliance.docker_bench.schedule),
    ):
        try:
            if expression:
                Cron(expression, zone)
        except ScheduleError as error:
            found.append(f"compliance.{name}.schedule: {error}")
    return found
