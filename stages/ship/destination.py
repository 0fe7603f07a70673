"""The destination: whether the server may be tried now, why not, and what everyone may know of
that.

Its state is written into the stage's state store whenever it changes, so `status` and `list` can
show it whether this stage runs or not. After a restart the server is tried at once, unless it had
named a time itself.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from schemas import codec
from schemas.destination import DESTINATION_STATE, DestinationState
from schemas.destination import Destination as State
from schemas.event import Event, short
from schemas.settings import ServerSettings
from stages.patchmon.outcome import Accepted, Outcome, Paused, Refused, Temporary
from stages.patchmon.server_access import ServerAccess
from stages.runtime.process import Process
from stages.ship.backoff import Backoff, Pace

_ALARM_AFTER = 3


class ShipDestination:
    """The one server that a stage ships to."""

    def __init__(self, process: Process, clock: Callable[[], float]) -> None:
        """`clock`: a monotonic clock, in seconds."""
        self._process = process
        self._clock = clock
        self._backoff = Backoff()
        self._pace = Pace()
        now = process.now()
        kept = process.state_store.read(DESTINATION_STATE, State)
        self._state = kept or State(state="ready", at=now, since=now)
        self._seen: tuple[ServerSettings, str] | None = None
        self._warned_of: ServerSettings | None = None
        self._resume_wait()

    def due_in_s(self, access: ServerAccess) -> float:
        """Seconds until a request may be sent."""
        now = self._clock()
        if self._has_changed(access):
            self._backoff.try_now()
        per_minute = self._process.settings.delivery.per_minute
        backoff_s = self._backoff.due_in_s(now)
        pace_s = self._pace.due_in_s(now, per_minute)
        if self._state.state == "ready" and pace_s > backoff_s:
            self._note("ready", f"at most {per_minute} a minute", wait_s=pace_s)
        return max(backoff_s, pace_s)

    def try_now(self) -> None:
        """The operator has requested an attempt."""
        self._backoff.try_now()

    def reached(self) -> None:
        """The server is back: its connection for commands was made."""
        self._backoff.reached(self._clock())

    def sending(self) -> None:
        """A request is about to be sent."""
        self._pace.sent(self._clock())
        server = self._process.settings.server
        if not server.verify and self._warned_of != server:
            self._warned_of = server
            self._process.log.warning(
                "the server's certificate is not checked: anyone on the way can read and alter "
                "what is sent",
                action="set server.verify: true",
            )

    def record(self, outcome: Outcome) -> None:
        """Apply the outcome of an attempt."""
        if isinstance(outcome, Paused):
            wait_s = self._backoff.paused(self._clock(), outcome.retry_after_s)
            self._note(
                "paused",
                outcome.message,
                outcome.action,
                wait_s,
                is_set_by_server=outcome.retry_after_s > 0,
            )
        elif isinstance(outcome, Temporary):
            self._record_failure(outcome)
        else:
            self._record_answer(outcome)

    def not_set(self) -> None:
        """No server is configured."""
        action = "set server.url; results stay in the spool until then"
        self._note("not set", "no server is configured", action)

    def no_credentials(self, action: str) -> None:
        """Nothing is sent without credentials that are kept secret; they are looked for again each
        time.
        """
        self._note("paused", "no usable credentials", action)

    def _record_answer(self, outcome: Accepted | Refused) -> None:
        self._backoff.succeeded()
        if isinstance(outcome, Refused) and outcome.retry_after_s > 0:
            wait_s = self._backoff.retry_after(self._clock(), outcome.retry_after_s)
            self._note("backing off", outcome.message, None, wait_s, is_set_by_server=True)
        else:
            self._note("ready")

    def _record_failure(self, outcome: Temporary) -> None:
        wait_s = self._backoff.failed(self._clock(), outcome.retry_after_s)
        action = None
        if self._backoff.failures >= _ALARM_AFTER:
            action = outcome.action
        self._note(
            "backing off",
            outcome.message,
            action,
            wait_s,
            is_set_by_server=outcome.retry_after_s > 0,
        )

    def _note(
        self,
        state: DestinationState,
        reason: str | None = None,
        action: str | None = None,
        wait_s: float | None = None,
        *,
        is_set_by_server: bool = False,
    ) -> None:
        now, server, old = self._process.now(), self._process.settings.server, self._state
        since = now
        if (old.state, old.url) == (state, server.url):
            since = old.since
        next_try = None
        if wait_s is not None:
            next_try = now + timedelta(seconds=wait_s)
        new = State(
            state=state,
            at=now,
            since=since,
            url=server.url,
            reason=reason,
            action=action,
            next_try=next_try,
            is_set_by_server=is_set_by_server,
            failures=self._backoff.failures,
            verified=server.verify,
        )
        if not _is_alike(old, new):
            self._log_change(old, new, wait_s)
            self._state = new
            self._process.state_store.write(DESTINATION_STATE, new)

    def _log_change(self, old: State, new: State, wait_s: float | None) -> None:
        if new.state == "ready":
            if old.state != "ready":
                self._process.log.info("server reached again", server=new.url)
            return
        log = self._process.log.warning
        if new.state == "paused" or new.action is not None:
            log = self._process.log.error
        next_try_s = None
        if wait_s is not None:
            next_try_s = round(wait_s, 1)
        log(f"delivery is {new.state}", reason=new.reason, next_try_s=next_try_s, action=new.action)
        if (old.state, old.reason) != (new.state, new.reason):
            self._process.publish(Event(name="ShippingPaused", message=short(new.reason)))

    def _resume_wait(self) -> None:
        """A wait that the server has set holds after a restart too."""
        old = self._state
        if old.next_try is None or not old.is_set_by_server:
            return
        if old.url == self._process.settings.server.url:
            # At most what it was at first: the clock may have been set back since.
            left = min(old.next_try - self._process.now(), old.next_try - old.at)
            self._backoff.hold(self._clock(), left.total_seconds())

    def _has_changed(self, access: ServerAccess) -> bool:
        """Whether server or credentials have changed since the last call.

        Only a digest of the credentials is kept, so that no memory dump shows the key.
        """
        digest = hashlib.sha256("\0".join(access.headers.values()).encode()).hexdigest()
        # Not the address alone: with another proxy or certificate file it is tried at once, too.
        seen, self._seen = self._seen, (access.settings, digest)
        return seen not in (None, self._seen)


def _is_alike(old: State, new: State) -> bool:
    """Whether only the time has changed: while delivery works, it is not recorded each time."""
    if new.next_try is not None:
        return False
    return codec.replace(new, at=old.at) == old
