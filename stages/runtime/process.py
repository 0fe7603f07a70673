"""What a stage works with: settings, spool, log, doorbell, clock, and the wish to stop.

`wait` is the one place where a stage process sleeps. It returns early when the doorbell rings, when something
changes in a watched directory, when a given file handle has something to read, or when the process is told to stop;
and it tells the service manager and the operator that the work loop is alive.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from schemas.event import Event
from schemas.settings import Settings
from spool.layout import UPSTREAM, Stage
from spool.spool import Spool
from spool.state_store import StateStore
from stages.runtime import settings_file
from stages.runtime.doorbell import Doorbell
from stages.runtime.heartbeat import Heartbeat
from stages.runtime.logs import Log
from stages.runtime.sd_notify import Notifier

_WATCHDOG_EVERY_S = 10.0
_SETTLED_S = 1.0
Signature = tuple[int, int, int] | None


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
        check: settings_file.Check = settings_file.no_more_problems,
        notifier: Notifier | None = None,
        config_seen: Signature = None,
    ) -> None:
        self.stage = stage
        self.settings = settings
        self.config = config
        self.spool = spool
        self.log = log
        self.stopping = False
        self.watched = {spool.root / UPSTREAM[stage], spool.commands.path}
        """Directories in which something new wakes the loop; a worker may add its own while it is made."""
        self.on_event: Callable[[Event], None] = lambda _: None
        self.readers: dict[int, Callable[[], None]] = {}
        """What to do when a file handle has something to read during any wait."""
        self._check = check
        self._doorbell = doorbell
        self._notifier = notifier or Notifier()
        self._config_seen = config_seen or signature(config)
        self._config_changed: tuple[Signature, float] | None = None
        self._hung_up = False
        self._alive_at = 0.0
        self._pulse = Heartbeat(Path(settings.runtime_dir), stage)
        self._wake, self.wake_handle = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def state_store(self) -> StateStore:
        return self.spool.state_store(self.stage)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def publish(self, event: Event) -> None:
        self._doorbell.publish(event)

    def stop(self) -> None:
        self.stopping = True
        self.wake()

    def hang_up(self) -> None:
        """Look at the settings file now, whatever is seen of it; for a signal handler."""
        self._hung_up = True
        self.wake()

    def wake(self) -> None:
        """End the current wait; for other threads and signal handlers."""
        with suppress(OSError):
            os.write(self.wake_handle, b"w")

    def ready(self) -> None:
        self._notifier.tell("READY=1")

    def gone(self) -> None:
        self._notifier.tell("STOPPING=1")

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]:
        """Sleep, at most `timeout_s`; the handles that have something to read are returned."""
        self.alive()
        end = time.monotonic() + max(0.0, timeout_s)
        while True:
            left = min(end - time.monotonic(), _WATCHDOG_EVERY_S)
            events, ready = self._doorbell.wait(
                max(0.0, left), (self._wake, *handles, *self.readers)
            )
            self.alive()
            ready = self._read(ready)
            woken = self._wake in ready
            if woken:
                with suppress(BlockingIOError):
                    os.read(self._wake, 65536)
            for event in events:
                self.on_event(event)
            if woken or events or len(ready) > woken or self.stopping or time.monotonic() >= end:
                return [handle for handle in ready if handle != self._wake]

    def _read(self, ready: Sequence[int]) -> list[int]:
        """Call the readers of handles that have them; the other handles are returned."""
        left = []
        for handle in ready:
            reader = self.readers.get(handle)
            if reader is None:
                left.append(handle)
            else:
                reader()
        return left

    def alive(self) -> None:
        now = time.monotonic()
        if now - self._alive_at >= _WATCHDOG_EVERY_S / 2:
            self._alive_at = now
            self._notifier.tell("WATCHDOG=1")
            self._pulse.touch()

    def refresh_settings(self) -> bool:
        """Take in a changed settings file; True when new settings are in force. A broken one changes nothing."""
        if not self._is_changed():
            return False
        loaded = settings_file.load(self.config, self._check)
        problems = loaded.problems or self._emptied(loaded.settings)
        for problem in problems:
            self.log.error("settings not taken over, the old ones stay in force", problem=problem)
        if problems:
            return False
        self._tell_what_needs_a_restart(loaded.settings)
        self.settings = loaded.settings
        self.log.level = loaded.settings.log.level
        self.log.info("settings taken over", file=self.config)
        return True

    def settings_due_in_s(self) -> float:
        """Seconds until a changed settings file may have settled."""
        if self._config_changed is None:
            return float("inf")
        return max(0.0, self._config_changed[1] + _SETTLED_S - time.monotonic())

    def _is_changed(self) -> bool:
        """Whether the file is another one, and nobody has written to it for a while: editors empty it first."""
        seen, now = signature(self.config), time.monotonic()
        if not self._hung_up:
            if seen == self._config_seen:
                self._config_changed = None
                return False
            if self._config_changed is None or self._config_changed[0] != seen:
                self._config_changed = (seen, now)
            if self.settings_due_in_s() > 0:
                return False
        self._config_seen, self._config_changed, self._hung_up = seen, None, False
        return True

    def _emptied(self, new: Settings) -> tuple[str, ...]:
        """A file that says nothing is what an editor or a full disk leaves, and would send results nowhere."""
        if new == Settings() != self.settings:
            return (
                f"{self.config}: says nothing any more: fill it, or restart the stages for the defaults",
            )
        return ()

    def _tell_what_needs_a_restart(self, new: Settings) -> None:
        if (new.spool.path, new.runtime_dir) != (
            self.settings.spool.path,
            self.settings.runtime_dir,
        ):
            self.log.warning(
                "spool.path and runtime_dir take effect only at a restart: restart the stages"
            )


def signature(path: Path | None) -> Signature:
    """What tells a file from what it was before."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
