"""Why a report waits, in plain words: what an operator is told by `list` and `status`. Pure.

Derived from what lies in the spool and from the stage's note on its destination, so it can be told whether the stage
runs or not.
"""

from dataclasses import dataclass
from datetime import datetime

from schemas.destination import Destination


@dataclass(frozen=True)
class Facts:
    """What is known of a report without a receipt."""

    held: bool
    hold_words: str | None
    """Why the operator holds it, in the operator's words."""
    running: bool
    """Whether the ship stage runs."""
    ahead: int
    """Reports that go before this one."""
    damaged: str | None = None
    made_for: str | None = None
    """The URL of another server, which was in the settings when this report was made."""


def why_waiting(facts: Facts, destination: Destination | None, now: datetime) -> str:
    """Why it waits, when the next try is, and what to do, where there is something to do."""
    if facts.damaged:
        return f"damaged: {facts.damaged}; it is made again from the raw entry"
    if facts.held:
        message = f" ({facts.hold_words})" if facts.hold_words else ""
        return f"held by the operator{message}: compliance-agent release ID lets it go"
    if facts.made_for:
        return f"made for {facts.made_for}, the server before this one: compliance-agent retry sends it here"
    if not facts.running:
        return "the ship stage does not run: start it (compliance-agent run, or the service)"
    if destination is not None and destination.state != "ready":
        return destination_words(destination, now)
    place = (
        f"{facts.ahead} older report{'s' if facts.ahead > 1 else ''} first"
        if facts.ahead
        else "next to be sent"
    )
    if destination is None or destination.next_try is None or destination.next_try <= now:
        return place
    return f"{place}; {destination.why}, the next {_in(destination.next_try, now)}"


def destination_words(destination: Destination, now: datetime) -> str:
    """How it stands with the server, in one line."""
    if destination.state == "ready":
        return "reached"
    parts = [
        f"{destination.state}: {destination.why}" if destination.why else f"{destination.state}"
    ]
    if destination.next_try:
        parts.append(f"next try {_in(destination.next_try, now)}")
    if destination.action:
        parts.append(destination.action)
    elif destination.state == "backing off":
        parts.append("nothing to do, or compliance-agent retry to try now")
    return "; ".join(parts)


def _in(moment: datetime, now: datetime) -> str:
    seconds = round((moment - now).total_seconds())
    if seconds <= 0:
        return "now"
    if seconds < 120:
        return f"in {seconds} s"
    return (
        f"in {seconds // 60} min"
        if seconds < 7200
        else f"in {seconds // 3600} h {seconds % 3600 // 60} min"
    )
