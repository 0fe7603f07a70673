"""Notifications to the service manager: ready, alive, stopping. Source: sd_notify(3),
sd_watchdog_enabled(3).

Without `NOTIFY_SOCKET` nothing is sent. The variables are taken out of the environment, so that no
child can send in the name of this process.
"""

import os
import socket
from contextlib import suppress

from stages.runtime.printable import one_line

_LONGEST_STATUS = 2000


class Notifier:
    """The notification socket of this process."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            # An abstract socket.
            self._address = "\0" + self._address[1:]
        watchdog_us = os.environ.pop("WATCHDOG_USEC", "")
        self.watchdog_s = float("inf")
        """Seconds after which a process that has not reported is ended; `WatchdogSec=`."""
        if watchdog_us.isdecimal() and int(watchdog_us) > 0:
            self.watchdog_s = int(watchdog_us) / 1e6

    @property
    def has_manager(self) -> bool:
        """Whether a service manager has started this process."""
        return bool(self._address)

    def notify_status(self, text: str) -> None:
        """The line that `systemctl status` shows of this process, also after its end."""
        self.notify(f"STATUS={one_line(text)[:_LONGEST_STATUS]}")

    def notify(self, message: str) -> None:
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        with suppress(OSError), socket.socket(socket.AF_UNIX, kind) as sock:
            sock.connect(self._address)
            sock.send(message.encode())
