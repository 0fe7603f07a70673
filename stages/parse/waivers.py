"""Applying waivers to a report. Pure.

Promises: the report depends on the scan, its waivers and the host's name alone. A waiver is valid
if it had not expired on the day of the scan, whenever the scan is parsed, so parsing again with the
same waivers gives the same bytes. Only a rule that failed is waived. It becomes `skip`, keeps its
own finding behind the reason, and stays in the list.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from schemas import codec
from schemas.ids import short_rule_id
from schemas.records import Struct
from schemas.report import AppliedWaiver, Report, RuleResult, summarize
from schemas.waiver import Waiver, fits
from stages.parse.waiver_files import PlacedWaiver, WaiverSet

SOON = timedelta(days=14)
"""From so many days before it expires, a waiver in use is named in the report's warnings."""
_FAILING = ("fail", "warn")
"""What a waiver is for; Docker Bench has no other failure than a warning."""
_NEVER = date.max


class WaivedRule(Struct, frozen=True):
    """A rule that failed, and the waiver for it, valid or not."""

    result: RuleResult
    placed: PlacedWaiver
    expired: bool


def apply(report: Report, waivers: WaiverSet, host: str) -> Report:
    """The report with its waived rules skipped, and what is wrong with the waivers as warnings."""
    on = report.completed_at.date()
    usable = for_scan(report, waivers.waivers, host)
    results: list[RuleResult] = []
    used: list[PlacedWaiver] = []
    for result in report.results:
        waived = find(result, usable, on)
        if waived is None:
            results.append(result)
        elif waived.expired:
            results.append(_failed_again(waived))
        else:
            results.append(_skipped(waived))
            used.append(waived.placed)
    problems = [f"waivers: {problem}" for problem in waivers.problems]
    return codec.replace(
        report,
        results=tuple(results),
        summary=summarize(tuple(results)),
        warnings=(*report.warnings, *problems, *_expiring(used, on)),
        waivers=waivers.digest,
    )


def for_scan(report: Report, waivers: Sequence[PlacedWaiver], host: str) -> list[PlacedWaiver]:
    """The waivers that are for this host, scanner and profile."""
    chosen = []
    for placed in waivers:
        waiver = placed.waiver
        is_for_scanner = waiver.scanner in (None, report.profile.type)
        is_for_host = fits(waiver.host or "*", host, host.partition(".")[0])
        if is_for_scanner and is_for_host and _is_profile(waiver.profile or "*", report):
            chosen.append(placed)
    return chosen


def find(result: RuleResult, waivers: Sequence[PlacedWaiver], on: date) -> WaivedRule | None:
    """The waiver for a failed rule: of several, the one that expires last."""
    if not fails(result):
        return None
    fitting = [placed for placed in waivers if is_for(placed.waiver, result)]
    if not fitting:
        return None
    placed = max(fitting, key=lambda each: last_day(each.waiver))
    return WaivedRule(result, placed, expired=last_day(placed.waiver) < on)


def fails(result: RuleResult) -> bool:
    """Whether a rule is in the state that a waiver is for."""
    return result.status in _FAILING


def is_for(waiver: Waiver, result: RuleResult) -> bool:
    """Whether a waiver names this rule, or its section."""
    short_id = short_rule_id(result.rule_ref)
    return fits(waiver.rule, result.rule_ref, short_id, result.section)


def last_day(waiver: Waiver) -> date:
    if waiver.expires is None:
        return _NEVER
    return waiver.expires


def _is_profile(pattern: str, report: Report) -> bool:
    profile_id = report.profile.id
    short_id = None
    if profile_id is not None:
        short_id = profile_id.rpartition("_profile_")[2]
    return fits(pattern, report.profile.name, profile_id, short_id)


def _skipped(waived: WaivedRule) -> RuleResult:
    waiver = waived.placed.waiver
    until = "waived"
    if waiver.expires is not None:
        until = f"waived until {waiver.expires}"
    return codec.replace(
        waived.result,
        status="skip",
        finding=f"{until} by {_approval(waiver)}{_original(waived.result)}",
        waiver=AppliedWaiver(
            reason=waiver.reason,
            approved_by=waiver.approved_by,
            ticket=waiver.ticket,
            expires=waiver.expires,
            status=waived.result.status,
        ),
    )


def _failed_again(waived: WaivedRule) -> RuleResult:
    waiver = waived.placed.waiver
    message = f"the waiver by {_approval(waiver)} expired on {waiver.expires}"
    return codec.replace(waived.result, finding=f"{message}{_original(waived.result)}")


def _approval(waiver: Waiver) -> str:
    text = f"{waiver.approved_by}: {waiver.reason}"
    if waiver.ticket is not None:
        text += f" ({waiver.ticket})"
    return text


def _original(result: RuleResult) -> str:
    if result.finding is None:
        return ""
    return f". {result.finding}"


def _expiring(used: Sequence[PlacedWaiver], on: date) -> list[str]:
    """One warning for each waiver in use that expires soon, however many rules it is for."""
    warnings = []
    for placed in dict.fromkeys(used):
        days = (last_day(placed.waiver) - on).days
        if days <= SOON.days:
            when = f"on {placed.waiver.expires}"
            warnings.append(
                f"the waiver for {placed.waiver.rule} expires {when}: renew it in {placed.place}, "
                "or fix the rule"
            )
    return warnings
