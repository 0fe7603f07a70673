"""The server's side of the trigger stage: a link that follows the settings, and what came over it.

The link's threads only put what they understood into a bounded queue and wake the loop; a queue that is full holds the
server back, it loses nothing.
"""

import os
import time
from collections.abc import Iterator
from queue import Empty, Queue

from schemas.schedule import ServerOverrides
from stages.patchmon import commands, credentials
from stages.patchmon.websocket import Link, News, Server
from stages.runtime.process import Process
from stages.scanners import registry
from stages.trigger.capabilities import integration_status
from stages.trigger.host import Detection

_MOST_COMMANDS = 1000
_AT_ONCE = 50
_TELL_INVALID_EVERY_S = 60.0


class ServerConnection:
    """One link at most."""

    def __init__(self, process: Process, news: News) -> None:
        self._process = process
        self._news = news
        self._detection = Detection(process)
        self._inbox: Queue[commands.Command] = Queue(_MOST_COMMANDS)
        self._at_hand: commands.Command | None = None
        self._link: Link | None = None
        self._reported: tuple[object, object] = (None, None)
        self._problem = "no server"
        self._invalid = 0
        self._last_invalid = ""
        self._told_invalid = -_TELL_INVALID_EVERY_S
        self.status_wanted = True

    @property
    def state(self) -> str:
        """How it stands with the server, in plain words."""
        return self._link.state if self._link else self._problem

    @property
    def has_commands(self) -> bool:
        return self._at_hand is not None or not self._inbox.empty()

    def received(self) -> Iterator[commands.Command]:
        """What came since the last time, oldest first. One that could not be carried out comes again.

        Of very many only some at once: a server that floods must not keep the loop from its other work.
        """
        self._tell_invalid()
        for _ in range(_AT_ONCE):
            if self._at_hand is None:
                try:
                    self._at_hand = self._inbox.get_nowait()
                except Empty:
                    return
            yield self._at_hand
            # Only reached when the command is on disk: an error there leaves this generator for good.
            self._at_hand = None
        self._process.wake()

    def keep_connected(self) -> None:
        """One link to the server of the settings, with the credentials of now; none where there are none."""
        wanted = self._wanted()
        if self._link and not self._link.is_alive:
            self._process.log.error(
                "server commands: the link ended by a fault in the program, made anew"
            )
        elif (self._link and self._link.server) == wanted:
            return
        self.close()
        if wanted:
            self.status_wanted = True
            self._link = Link(
                wanted,
                registry.scanners(),
                self._take,
                self._connected,
                self._news,
                self._process.log,
            )

    def tell(self) -> None:
        """There may be news for the server."""
        if self._link:
            self._link.tell()

    def report_status(self, overrides: ServerOverrides) -> None:
        """Send this host's capabilities, where the server should have them anew."""
        seen = self._detection.mark
        if self._link is None or (seen == self._reported[0] and not self.status_wanted):
            return
        detected = self._detection.detected
        if detected is None:
            return
        body = integration_status(detected, self._process.settings, overrides)
        if self.status_wanted or body != self._reported[1]:
            self.status_wanted = False
            self._link.report_status(body)
        self._reported = (seen, body)

    def close(self) -> None:
        if self._link:
            self._link.close()
            self._link = None

    def _wanted(self) -> Server | None:
        settings = self._process.settings
        found = credentials.find(settings.api, self._process.config, os.environ)
        if settings.server.url is None:
            self._problem = "no server"
        elif not settings.compliance.server_commands.enabled:
            self._problem = "switched off (compliance.server_commands.enabled)"
        elif isinstance(found, credentials.NoCredentials):
            self._problem = found.reason
        else:
            return Server(settings.server, found)
        return None

    def _take(self, message: commands.Message) -> None:
        """In the link's thread."""
        if isinstance(message, commands.Invalid):
            self._invalid += 1
            self._last_invalid = message.reason
        elif not isinstance(message, commands.Ignored):
            self._inbox.put(message)
            self._process.wake()

    def _connected(self) -> None:
        """In the link's thread."""
        self.status_wanted = True
        self._process.wake()

    def _tell_invalid(self) -> None:
        now = time.monotonic()
        if self._invalid and now - self._told_invalid >= _TELL_INVALID_EVERY_S:
            self._told_invalid = now
            count, self._invalid = self._invalid, 0
            self._process.log.warning(
                "server messages refused", count=count, last=self._last_invalid
            )
