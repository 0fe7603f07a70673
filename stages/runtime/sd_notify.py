"""Telling the service manager: ready, alive, stopping. Source: sd_notify(3).

Without `NOTIFY_SOCKET` nothing is told. The variable is taken out of the environment, so that no child speaks
for this process.
"""

import os
import socket
from contextlib import suppress


class Notifier:
    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]

    @property
    def is_heard(self) -> bool:
        """Whether a service manager listens."""
        return bool(self._address)

    def tell(self, message: str) -> None:
        if not self._address:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.connect(self._address)
            sock.send(message.encode())
