"""Why a report waits, as `list` and `status` show it. Pure.

Derived from the spool and from the stage's state of its destination, so it can be shown whether the
stage runs or not.
"""

from datetime import datetime

from schemas.destination import Destination
from schemas.records import Struct
from spool.layout import Stage
from stages.runtime.printable import counted


class Facts(Struct, frozen=True):
    """What is known of a report without a receipt."""

    held: bool
    hold_reason: str | None
    """The operator's reason for the hold."""
    running: bool
    """Whether the ship stage runs."""
    ahead: int
    """Reports that go before this one."""
    damaged: str | None = None


def why_waiting(facts: Facts, destination: Destination | None, now: datetime) -> str:
    """Why it waits, when the next try is, and what to do, where there is something to do."""
    if facts.damaged:
        return f"damaged: {facts.damaged}; it is parsed again from the raw entry"
    if facts.held:
        return _held(facts.hold_reason)
    if not facts.running:
        return why_stopped("ship")
    if destination is None:
        return _place(facts.ahead)
    if destination.state != "ready":
        return describe(destination, now)
    if destination.next_try is None or destination.next_try <= now:
        return _place(facts.ahead)
    return f"{_place(facts.ahead)}; {destination.reason}, the next {_in(destination.next_try, now)}"


def why_stopped(stage: Stage) -> str:
    """Why nothing is done that waits for a stage which does not run."""
    return f"the {stage} stage is not running: start it (compliance-agent run, or the service)"


def describe(destination: Destination, now: datetime) -> str:
    """The state of the destination, in one line."""
    if destination.state == "ready":
        return "ready"
    parts: list[str] = [destination.state]
    if destination.reason:
        parts = [f"{destination.state}: {destination.reason}"]
    if destination.next_try and destination.next_try > now:
        parts.append(f"next try {_in(destination.next_try, now)}")
    elif destination.next_try:
        parts.append("next try as soon as a report may be sent")
    if destination.action:
        parts.append(destination.action)
    elif destination.state == "backing off":
        parts.append("it is retried automatically, or now by compliance-agent retry")
    return "; ".join(parts)


def _held(reason: str | None) -> str:
    held = "held by the operator"
    if reason:
        held = f"{held} ({reason})"
    return f"{held}: compliance-agent release ID lets it go"


def _place(ahead: int) -> str:
    if ahead == 0:
        return "next to be sent"
    return f"{counted(ahead, 'older report')} first"


def _in(moment: datetime, now: datetime) -> str:
    seconds = round((moment - now).total_seconds())
    if seconds <= 0:
        return "now"
    if seconds < 120:
        return f"in {seconds} s"
    if seconds < 7200:
        return f"in {seconds // 60} min"
    return f"in {seconds // 3600} h {seconds % 3600 // 60} min"
