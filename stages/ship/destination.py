"""The destination: whether it may be tried now, why not, and what everyone may know of that.

Its state is written into the stage's notes whenever it changes, so that `status` and `list` can tell it whether this
stage runs or not. After a restart the destination is tried at once, unless the server itself had named a time.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from schemas import codec
from schemas.destination import Destination as State
from schemas.destination import DestinationState, Requests
from schemas.event import Event
from schemas.settings import ServerSettings
from stages.patchmon.credentials import Credentials
from stages.patchmon.outcome import Accepted, Outcome, Paused, Refused, Temporary
from stages.runtime.process import Process
from stages.ship.backoff import WINDOW_S, Backoff, Pace

NOTE = "destination"
REQUESTS = "requests"
_ALARM_AFTER = 3


class Destination:
    """The one server that a stage ships to."""

    def __init__(self, process: Process, clock: Callable[[], float]) -> None:
        """`clock`: seconds that only ever grow, whatever happens to the time of day."""
        self._process = process
        self._clock = clock
        self._backoff = Backoff()
        self._pace = Pace()
        self._state = process.state_store.read(NOTE, State)
        self._seen: tuple[ServerSettings, str] | None = None
        self._take_over()

    def due_in_s(self, credentials: Credentials) -> float:
        """Seconds until a request may be sent."""
        now = self._clock()
        if self._changed(credentials):
            self._backoff.try_now()
        backoff_s = self._backoff.due_in_s(now)
        pace_s = self._pace.due_in_s(now, self._process.settings.delivery.per_minute)
        if pace_s > backoff_s and (self._state is None or self._state.state == "ready"):
            self._note(
                "ready",
                f"at most {self._process.settings.delivery.per_minute} a minute",
                wait_s=pace_s,
            )
        return max(backoff_s, pace_s)

    def try_now(self) -> None:
        """The operator says so."""
        self._backoff.try_now()

    def sending(self) -> None:
        self._pace.sent(self._clock())

    def sent_before(self, known: Iterable[datetime]) -> None:
        """Count the requests of an earlier run of this stage, as the server does.

        `known`: when scans were accepted, and when those were sent whose outcome the run did not live to see.
        """
        now = self._process.now()
        note = self._process.state_store.read(REQUESTS, Requests) or Requests()
        noted = [at for at in note.at if _is_recent(at, now)]
        # The note is written when a request fails, and has all up to that one.
        later = [at for at in known if _is_recent(at, now) and (not noted or at > noted[-1])]
        for at in sorted((*noted, *later)):
            self._pace.sent(self._clock() - (now - at).total_seconds())

    def on_event(self, outcome: Outcome | None) -> None:
        """Take in what an attempt came to; None: it was not waited for."""
        if isinstance(outcome, Accepted | Refused):
            self._spoken(outcome)
        elif isinstance(outcome, Paused):
            wait_s = self._backoff.paused(self._clock(), outcome.asked_s)
            self._note("paused", outcome.message, outcome.action, wait_s, asked=outcome.asked_s > 0)
        elif outcome is not None:
            self._failed(outcome)
        if not isinstance(outcome, Accepted):
            self._note_requests()

    def not_set(self) -> None:
        """There is nowhere to send to."""
        action = "set server.url; results stay in the spool until then"
        self._note("not set", "no server is configured", action)

    def not_meant(self, count: int) -> None:
        """All that waits was made for another server, which `server.url` named before."""
        action = "compliance-agent retry sends them to this one, or set server.url back"
        self._note(
            "paused", f"reports made for another server than server.url names now: {count}", action
        )

    def no_secrets(self, action: str) -> None:
        """Nothing is sent without credentials that are kept secret; they are looked for again at every look."""
        self._note("paused", "no usable credentials", action)

    def _spoken(self, outcome: Accepted | Refused) -> None:
        self._backoff.succeeded()
        if isinstance(outcome, Refused) and outcome.asked_s > 0:
            wait_s = self._backoff.asked(self._clock(), outcome.asked_s)
            self._note("backing off", outcome.message, None, wait_s, asked=True)
        else:
            self._note("ready")

    def _failed(self, outcome: Temporary) -> None:
        wait_s = self._backoff.failed(self._clock(), outcome.asked_s)
        action = outcome.action if self._backoff.failures >= _ALARM_AFTER else None
        self._note("backing off", outcome.message, action, wait_s, asked=outcome.asked_s > 0)

    def _note_requests(self) -> None:
        """For the next run of this stage; requests that were accepted it finds in the receipts."""
        ages, now = self._pace.ages_s(self._clock()), self._process.now()
        self._process.state_store.write(
            REQUESTS, Requests(at=tuple(now - timedelta(seconds=age) for age in ages))
        )

    def _note(
        self,
        state: DestinationState,
        why: str | None = None,
        action: str | None = None,
        wait_s: float | None = None,
        *,
        asked: bool = False,
    ) -> None:
        now, server, old = self._process.now(), self._process.settings.server, self._state
        same = old is not None and (old.state, old.url) == (state, server.url)
        new = State(
            state=state,
            at=now,
            since=old.since if old and same else now,
            url=server.url,
            why=why,
            action=action,
            next_try=now + timedelta(seconds=wait_s) if wait_s is not None else None,
            asked_to_wait=asked,
            failures=self._backoff.failures,
            verified=server.verify,
        )
        if old is None or not _alike(old, new):
            self._tell(old, new, wait_s)
            self._state = new
            self._process.state_store.write(NOTE, new)

    def _tell(self, old: State | None, new: State, wait_s: float | None) -> None:
        log, next_try = self._process.log, None if wait_s is None else round(wait_s, 1)
        if new.state == "ready":
            if old and old.state != "ready":
                log.info("server reached again", server=new.url)
            return
        tell = log.error if new.state == "paused" or new.action else log.warning
        tell(f"delivery is {new.state}", why=new.why, next_try_s=next_try, action=new.action)
        if old is None or (old.state, old.why) != (new.state, new.why):
            self._process.publish(Event(name="ShippingPaused", message=(new.why or "")[:512]))

    def _take_over(self) -> None:
        old, now = self._state, self._process.now()
        if (
            old
            and old.asked_to_wait
            and old.next_try
            and old.url == self._process.settings.server.url
        ):
            self._backoff.hold(self._clock(), (old.next_try - now).total_seconds())

    def _changed(self, credentials: Credentials) -> bool:
        """Whether server or credentials are others than the last ones; these as a digest: no dump shows a key."""
        digest = hashlib.sha256(f"{credentials.id}\0{credentials.key}".encode()).hexdigest()
        seen, self._seen = self._seen, (self._process.settings.server, digest)
        return seen not in (None, self._seen)


def _is_recent(at: datetime, now: datetime) -> bool:
    return 0 <= (now - at).total_seconds() < WINDOW_S


def _alike(old: State, new: State) -> bool:
    """Whether nothing has changed but the time: while all is well, not every delivery is noted."""
    if new.next_try is not None:
        return False
    return codec.replace(new, at=old.at) == old
