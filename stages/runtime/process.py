"""What a stage works with: settings, spool, log, doorbell, clock, and the request to stop.

`wait` is the one place where a stage process sleeps. It returns early when an event arrives, when
`wake` is called (by a watch, a thread or a signal handler), when a given file handle has something
to read, or when the process has to stop; and it reports to the service manager and to operators
that the main loop turns.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from schemas.event import Event
from schemas.settings import Settings
from spool.errors import NewerFormatError
from spool.layout import UPSTREAM, Stage
from spool.spool import Spool
from spool.state_store import StateStore
from stages.runtime import settings_file
from stages.runtime.allowance import Allowance
from stages.runtime.doorbell import Doorbell
from stages.runtime.heartbeat import Heartbeat
from stages.runtime.logs import Log
from stages.runtime.sd_notify import Notifier
from stages.runtime.set_aside import SetAside
from stages.runtime.settings_reload import SettingsReload, Signature, signature

_HEARTBEAT_EVERY_S = 30.0
"""Or half the service manager's limit, where that is less."""
# Each event and each new entry makes the stage check for work. Whoever sends them could keep it
# checking all the time.
_CHECKS_AT_ONCE, _CHECK_EVERY_S = 50, 0.1


class Process:
    """One running stage."""

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        config: Path | None,
        spool: Spool,
        log: Log,
        doorbell: Doorbell,
        load: settings_file.Load = settings_file.load,
        notifier: Notifier | None = None,
        config_seen: Signature = None,
    ) -> None:
        self.stage = stage
        self.settings = settings
        self.config = config
        self.spool = spool
        self.log = log
        self.stopping = False
        self.sources = (spool.root / UPSTREAM[stage], spool.commands.path)
        """The directories from which this stage takes its work."""
        self.on_event: Callable[[Event], None] = lambda _: None
        self.readers: dict[int, Callable[[], None]] = {}
        """What to do when a file handle has something to read, during any wait."""
        spool.raw.alive = self.alive
        self.set_aside = SetAside(spool.state_store(stage), log)
        self._newer: set[str] = set()
        self._doorbell = doorbell
        self._notifier = notifier or Notifier()
        self._reload = SettingsReload(config, load, log, config_seen or signature(config))
        self._heartbeat = Heartbeat(Path(settings.runtime_dir), stage)
        self._heartbeat_every_s = min(_HEARTBEAT_EVERY_S, self._notifier.watchdog_s / 2)
        self._heartbeat_at = 0.0
        self._checks = Allowance(_CHECKS_AT_ONCE, _CHECK_EVERY_S)
        self._wake, self.wake_handle = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def state_store(self) -> StateStore:
        return self.spool.state_store(self.stage)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def publish(self, event: Event) -> None:
        self._doorbell.publish(event)

    def report_newer(self, name: str, error: NewerFormatError) -> None:
        """An upstream entry of a later version stays pending: log it, once."""
        self.set_aside.worked(name)
        if name not in self._newer:
            self._newer.add(name)
            self.state_store.mark_newer(name, str(error))
            self.log.warning("entry of a newer format stays pending", entry=name, reason=str(error))

    def is_set_aside(self, name: str) -> bool:
        """Whether an upstream entry waits for a later version, or until it can be read."""
        return name in self._newer or self.set_aside.waits(name)

    def stop(self) -> None:
        self.stopping = True
        self.wake()

    def hang_up(self) -> None:
        """Read the settings file now, changed or not; for a signal handler."""
        self._reload.request()
        self.wake()

    def wake(self) -> None:
        """End the current wait; for other threads and signal handlers."""
        with suppress(OSError):
            os.write(self.wake_handle, b"w")

    def note_trouble(self, trouble: str | None) -> None:
        """What `status` shows as the reason why this stage can't work; None where it can."""
        self._heartbeat.note(trouble)

    def notify_ready(self) -> None:
        self._notifier.notify("READY=1")

    def notify_stopping(self) -> None:
        self._notifier.notify("STOPPING=1")

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]:
        """Sleep, at most `timeout_s`; the handles that have something to read are returned.

        Events and changes that come in too quick a succession end no wait for a moment.
        """
        self.alive()
        end = time.monotonic() + max(0.0, timeout_s)
        while True:
            left_s = max(0.0, end - time.monotonic())
            events, ready = self._wait_once(min(left_s, self._heartbeat_every_s), handles)
            self.alive()
            self._dispatch(events, ready)
            readable = [handle for handle in handles if handle in ready]
            is_woken = bool(events or readable or self._wake in ready)
            if is_woken or self.stopping or time.monotonic() >= end:
                return readable

    def _wait_once(self, limit_s: float, handles: Sequence[int]) -> tuple[list[Event], list[int]]:
        """The events and readable handles of one wait, which is as short as the pace requires."""
        pause_s = self._checks.due_in_s()
        if pause_s > 0:
            # There were too many of late. Events and the wake pipe stay unread for a moment, so
            # nothing is lost, and who sends them does not keep this stage busy.
            others = (*handles, *self.readers)
            return self._doorbell.wait(min(limit_s, pause_s), others, listen=False)
        end = time.monotonic() + limit_s
        events, ready = self._doorbell.wait(limit_s, (self._wake, *handles, *self.readers))
        # A message that can't be understood ends the wait early, too.
        is_early = not ready and time.monotonic() < end
        if events or self._wake in ready or is_early:
            self._checks.take()
        return events, ready

    def _dispatch(self, events: Sequence[Event], ready: Sequence[int]) -> None:
        """Hand events and readable handles to what waits for them."""
        for event in events:
            self.on_event(event)
        for handle in ready:
            if handle == self._wake:
                self._empty_wake_pipe()
            elif handle in self.readers:
                self.readers[handle]()

    def alive(self) -> None:
        """Report that the main loop turns; cheap, for use between two steps of long work."""
        now = time.monotonic()
        if now - self._heartbeat_at >= self._heartbeat_every_s / 2:
            # By half the interval: a call just before that does nothing, and the wait behind it may
            # take the whole interval. Together they are three quarters of the manager's limit.
            self._heartbeat_at = now
            self._notifier.notify("WATCHDOG=1")
            self._heartbeat.touch()

    def refresh_settings(self) -> bool:
        """Apply a changed settings file; True where new settings are in force."""
        new = self._reload.new_settings(self.settings)
        if new is None:
            return False
        old = self.settings
        if (new.spool.path, new.runtime_dir) != (old.spool.path, old.runtime_dir):
            self.log.warning(
                "spool.path and runtime_dir take effect only at a restart: restart the stages"
            )
        self.settings = new
        self.log.level = new.log.level
        return True

    def settings_due_in_s(self) -> float:
        """Seconds until a changed settings file may have settled."""
        return self._reload.due_in_s()

    def _empty_wake_pipe(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake, 65536)
