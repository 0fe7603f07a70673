"""The connection to the server: a link that follows the settings, and what arrived over it.

The link's threads only put what they understood into a bounded queue and wake the main loop. A full
queue slows the server down; it loses nothing.
"""

import os
import time
from collections.abc import Iterator
from queue import Empty, Queue

from schemas.schedule import ServerOverrides
from stages.patchmon import commands, credentials
from stages.patchmon.server_access import ServerAccess
from stages.patchmon.websocket import Link, NextMessage
from stages.runtime.process import Process
from stages.scanners import registry
from stages.trigger.capabilities import integration_status
from stages.trigger.host import Detection

_QUEUE_SIZE = 1000
_COMMANDS_IN_A_PASS = 50
_LOG_INVALID_EVERY_S = 60.0


class ServerConnection:
    """One link at most."""

    def __init__(self, process: Process, next_message: NextMessage) -> None:
        self._process = process
        self._next_message = next_message
        self._detection = Detection(process)
        self._queue: Queue[commands.Command] = Queue(_QUEUE_SIZE)
        self._current: commands.Command | None = None
        self._link: Link | None = None
        self._reported_mark: object = None
        self._reported_body: object = None
        self._problem = "no server"
        self._invalid_count = 0
        self._last_invalid = ""
        self._invalid_logged_at = -_LOG_INVALID_EVERY_S
        self.status_wanted = True

    @property
    def is_connected(self) -> bool | None:
        """None where no connection is wanted."""
        if self._link is None:
            return None
        return self._link.is_connected

    @property
    def state(self) -> str:
        """The state of the link, or why there is none; for `status`."""
        if self._link:
            return self._link.state
        return self._problem

    @property
    def has_commands(self) -> bool:
        return self._current is not None or not self._queue.empty()

    def received(self) -> Iterator[commands.Command]:
        """The commands that arrived since the last time, oldest first.

        One that could not be carried out comes again. Only some of very many come at once: a server
        that floods must not keep the main loop from its other work.
        """
        self._log_invalid()
        for _ in range(_COMMANDS_IN_A_PASS):
            if self._current is None:
                try:
                    self._current = self._queue.get_nowait()
                except Empty:
                    return
            yield self._current
            # Reached only when the command is on disk: an error there ends this generator.
            self._current = None
        self._process.wake()

    def keep_connected(self) -> None:
        """A link to the server of the settings with the present credentials, if one is wanted."""
        wanted = self._wanted()
        connected_to = None
        if self._link:
            connected_to = self._link.access
        if self._link and not self._link.is_alive:
            self._process.log.error(
                "the connection for server commands ended by an internal error, connecting again"
            )
        elif connected_to == wanted:
            return
        self.close()
        if wanted:
            self.status_wanted = True
            self._link = Link(
                wanted,
                registry.scanners(),
                self._on_message,
                self._on_connected,
                self._next_message,
                self._process.log,
            )

    def send_progress(self) -> None:
        """Send the progress of scans, if there is any."""
        if self._link:
            self._link.notify()

    def report_status(self, overrides: ServerOverrides) -> None:
        """Send this host's capabilities where they have changed, or the server wants them again."""
        mark = self._detection.mark
        is_known = mark == self._reported_mark and not self.status_wanted
        if self._link is None or is_known:
            return
        detected = self._detection.detected
        if detected is None:
            return
        body = integration_status(detected, self._process.settings, overrides)
        if self.status_wanted or body != self._reported_body:
            self.status_wanted = False
            self._link.report_status(body)
        self._reported_mark = mark
        self._reported_body = body

    def close(self) -> None:
        if self._link:
            self._link.close()
            self._link = None

    def _wanted(self) -> ServerAccess | None:
        """The server to connect to; None, with the reason, where there is none."""
        settings = self._process.settings
        if settings.server.url is None:
            self._problem = "no server"
            return None
        if not settings.compliance.server_commands.enabled:
            self._problem = "switched off (compliance.server_commands.enabled)"
            return None
        found = credentials.find(settings.api, self._process.config, os.environ)
        if isinstance(found, credentials.NoCredentials):
            self._problem = found.reason
            return None
        return ServerAccess(settings.server, found)

    def _on_message(self, message: commands.Message) -> None:
        """Called in the link's thread."""
        if isinstance(message, commands.Invalid):
            self._invalid_count += 1
            self._last_invalid = message.reason
        elif not isinstance(message, commands.Ignored):
            self._queue.put(message)
            self._process.wake()

    def _on_connected(self) -> None:
        """Called in the link's thread."""
        self.status_wanted = True
        self._process.wake()

    def _log_invalid(self) -> None:
        now = time.monotonic()
        if self._invalid_count and now - self._invalid_logged_at >= _LOG_INVALID_EVERY_S:
            self._invalid_logged_at = now
            count, self._invalid_count = self._invalid_count, 0
            self._process.log.warning(
                "server messages refused", count=count, last=self._last_invalid
            )
