"""Delayed starts: a stage that keeps dying must not keep its host busy.

A stage leaves a note in the runtime directory when it starts, and removes it when it ends in order.
A stage that finds a note knows that its predecessor died: it waits 1 s, then 2, and so on to
5 minutes, unless the predecessor had lived for a minute. Only under a service manager, many of
which restart at a constant pace; `compliance-agent run` waits by itself.

A stage that waits is reported as ready: boot, package manager and `systemctl start` wait for every
service that is starting, and must not wait for this one.
"""

import os
import re
import signal
import stat
import time
from contextlib import suppress
from pathlib import Path

from spool.layout import Stage
from stages.runtime.logs import Log
from stages.runtime.sd_notify import Notifier

HEALTHY_AFTER_S = 60.0
_LONGEST_S = 300.0
_HEARTBEAT_EVERY_S = 5.0
_STOP = {signal.SIGTERM, signal.SIGINT}
_NOTE = re.compile(r"(\d{1,4}) (\d{1,12}(?:\.\d+)?)\n")
"""Deaths in a row, and the monotonic time of the start."""


class Restarts:
    """The note of one stage."""

    def __init__(self, runtime: Path, stage: Stage, notifier: Notifier) -> None:
        self._path = runtime / f"{stage}.starts"
        self._notifier = notifier

    def delay_start(self, log: Log) -> bool:
        """Wait as long as earlier deaths require; False if this process has to stop before that."""
        if not self._notifier.has_manager:
            return True
        deaths = self._deaths()
        wait_s = delay_s(deaths)
        if wait_s:
            log.warning("the stage keeps dying, its start is delayed", in_s=wait_s, deaths=deaths)
            self._notifier.notify("READY=1")
            self._notifier.notify_status(f"died {deaths} times, the start is delayed")
            if self._has_to_stop(wait_s):
                self.forget()
                return False
            self._notifier.notify_status("")
        self._write(deaths)
        return True

    def forget(self) -> None:
        """The stage ends in order."""
        with suppress(OSError):
            self._path.unlink()

    def _has_to_stop(self, limit_s: float) -> bool:
        """Wait; whether a signal to stop arrives meanwhile."""
        end = time.monotonic() + limit_s
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        try:
            while (left_s := end - time.monotonic()) > 0:
                self._notifier.notify("WATCHDOG=1")
                if signal.sigtimedwait(_STOP, min(left_s, _HEARTBEAT_EVERY_S)) is not None:
                    return True
            return False
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _deaths(self) -> int:
        """How often in a row a predecessor died young."""
        match = _NOTE.fullmatch(_read_own(self._path))
        if match is None:
            return 0
        lived_s = time.monotonic() - float(match[2])
        is_of_another_boot = lived_s < 0
        if is_of_another_boot or lived_s >= HEALTHY_AFTER_S:
            return 0
        return int(match[1]) + 1

    def _write(self, deaths: int) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            # "x": never through a symlink that another stage has put there meanwhile.
            with self._path.open("x") as stream:
                stream.write(f"{deaths} {time.monotonic():.3f}\n")


def delay_s(deaths: int) -> float:
    """Seconds to wait after so many deaths in a row."""
    if deaths == 0:
        return 0.0
    return min(2.0 ** (deaths - 1), _LONGEST_S)


def _read_own(path: Path) -> str:
    """The beginning of a file that this user owns; empty where there is none, or another's."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
            return ""
        return os.read(handle, 64).decode("ascii", "replace")
    finally:
        os.close(handle)
