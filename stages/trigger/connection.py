"""The connection of the trigger stage to the server: follows the settings, passes on messages.

What the server has set for this host is read at every connection, before anything is reported: a
status without it could switch compliance on. The threads only decode messages, put the commands
into a bounded queue and wake the main loop. A full queue slows the server down; it loses nothing.
"""

import os
import time
from collections.abc import Iterator, Mapping
from queue import Empty, Queue

from schemas.capabilities import Detected
from schemas.codec import replace
from schemas.event import Event
from schemas.ids import Scanner
from schemas.schedule import ServerOverrides
from stages.patchmon import commands
from stages.patchmon.capabilities import CommandAnswers
from stages.patchmon.credentials import NoCredentials
from stages.patchmon.host_reporter import PING_EVERY_S, HostReporter
from stages.patchmon.link_pace import LinkPace
from stages.patchmon.server_access import ServerAccess, find_access
from stages.patchmon.websocket import Link, NextMessage
from stages.runtime.process import Process
from stages.scanners import registry
from stages.trigger.detected_host import Detection, host_update, offered_profiles
from stages.trigger.integration_status import integration_status

_QUEUE_SIZE = 1000
_COMMANDS_IN_A_PASS = 50
_LOG_INVALID_EVERY_S = 60.0


class ServerConnection:
    """One link at most."""

    def __init__(self, process: Process, next_message: NextMessage) -> None:
        self._process = process
        self._next_message = next_message
        self._detection = Detection(process)
        self._offered: Mapping[str, Scanner] = {}
        self._offered_of: Detected | None = None
        self._queue: Queue[commands.Command] = Queue(_QUEUE_SIZE)
        self._current: commands.Command | None = None
        self._link: Link | None = None
        self._reporter: HostReporter | None = None
        self._are_integrations_known = False
        self._reported_mark: object = None
        self._reported_body: object = None
        self._described: object = None
        self._ping_every_s = 0.0
        self._other_messages: set[str] = set()
        self._problem = "no server"
        self._invalid_count = 0
        self._last_invalid = ""
        self._invalid_logged_at = -_LOG_INVALID_EVERY_S
        self._was_connected = False
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

    def report_reached(self) -> None:
        """Once for each connection: the ship stage need not wait any longer."""
        is_connected = self.is_connected is True
        if is_connected and not self._was_connected:
            self._process.publish(Event(name="ServerReached"))
        self._was_connected = is_connected

    def keep_connected(self) -> None:
        """One connection to the server of the settings, with today's credentials; none where it is
        not wanted.
        """
        self._learn_profiles()
        access = self._access()
        connected_to = None
        if self._reporter:
            connected_to = self._reporter.access
        if self._has_ended():
            self._process.log.error(
                "the connection to the server ended with an internal error, connecting again"
            )
        elif connected_to == access and self._takes_commands == (self._link is not None):
            return
        self.close()
        if access is not None:
            self._connect(access)

    def _learn_profiles(self) -> None:
        detected = self._detection.detected
        if detected is not self._offered_of:
            self._offered_of = detected
            self._offered = offered_profiles(detected)

    def _has_ended(self) -> bool:
        return any(part and not part.is_alive for part in (self._link, self._reporter))

    def _connect(self, access: ServerAccess) -> None:
        self.status_wanted = True
        scanners, log = registry.scanners(), self._process.log
        self._reporter = HostReporter(
            access,
            scanners,
            log,
            LinkPace().longest_backoff_s,
            lambda found: self._on_integrations(access, found),
        )
        if self._takes_commands:
            self._link = Link(
                access,
                self._on_message,
                self._on_connected,
                self._next_message,
                log,
                changed=self._process.wake,
            )

    @property
    def _takes_commands(self) -> bool:
        return self._process.settings.compliance.server_commands.enabled

    def send_progress(self) -> None:
        """The progress of scans waits to be sent."""
        if self._link:
            self._link.notify()

    def reached(self) -> None:
        """The server has taken a report."""
        if self._link and not self._link.is_connected:
            self._link.retry_now()

    def report(self, overrides: ServerOverrides, answers: CommandAnswers) -> None:
        """Report that the host is alive, what it is and what it can scan, where that is new or
        wanted again.
        """
        if self._reporter is None:
            return
        self._show_alive(self._reporter, overrides)
        detected = self._detection.detected
        if self._link is None or detected is None:
            return
        # A command that still waits may be what the server has set: it is applied first.
        if not self._are_integrations_known or self.has_commands:
            return
        mark = (self._detection.mark, answers)
        if mark == self._reported_mark and not self.status_wanted:
            return
        body = integration_status(detected, self._process.settings, overrides, answers)
        if self.status_wanted or body != self._reported_body:
            self.status_wanted = False
            self._reporter.report(body)
        self._reported_mark = mark
        self._reported_body = body

    def _show_alive(self, reporter: HostReporter, overrides: ServerOverrides) -> None:
        if not self._process.settings.server.report_host:
            return
        if self._link is not None and not self._link.is_tried:
            # Both go again at every connection, and the first one is a matter of a moment.
            return
        every_s = PING_EVERY_S
        if overrides.update_interval_minutes is not None:
            every_s = overrides.update_interval_minutes * 60.0
        if every_s != self._ping_every_s:
            self._ping_every_s = every_s
            reporter.ping(every_s)
        detected = self._detection.detected
        if detected is None:
            return
        update = host_update(detected)
        if update != self._described:
            self._described = update
            reporter.describe(update)

    def close(self) -> None:
        if self._link:
            self._link.close()
            self._link = None
        if self._reporter:
            self._reporter.close()
            self._reporter = None
        self._are_integrations_known = False
        self._described = None
        self._ping_every_s = 0.0

    def _access(self) -> ServerAccess | None:
        """The server to connect to; None, with the reason, where there is none."""
        settings = self._process.settings
        if settings.server.url is None:
            self._problem = "no server"
            return None
        access = find_access(settings, self._process.config, os.environ)
        if isinstance(access, NoCredentials):
            self._problem = access.reason
            return None
        if not settings.compliance.server_commands.enabled:
            self._problem = "switched off (compliance.server_commands.enabled)"
            if not settings.server.report_host:
                return None
        return access

    def _on_message(self, text: str | bytes) -> None:
        """Called in the link's thread."""
        message = commands.understand(text, registry.scanners(), self._offered)
        if isinstance(message, commands.Invalid):
            self._invalid_count += 1
            self._last_invalid = message.reason
        elif isinstance(message, commands.Ignored):
            self._log_ignored(message)
        else:
            self._queue.put(message)
            self._process.wake()

    def _log_ignored(self, message: commands.Ignored) -> None:
        """Once for each type: PatchMon's page offers these buttons for every host."""
        kind = message.for_another_agent
        if kind is not None and kind not in self._other_messages:
            self._other_messages.add(kind)
            self._process.log.info("server message ignored: it is for PatchMon's agent", type=kind)

    def _on_integrations(self, access: ServerAccess, overrides: ServerOverrides | None) -> None:
        """Called in a thread of the reporter."""
        reporter = self._reporter
        # A thread of the connection before may answer late, with what another server has set.
        if reporter is None or reporter.access != access:
            return
        if overrides is not None:
            self._queue.put(commands.Apply(replace(overrides, url=access.settings.url)))
        # After the command is queued: `report` waits while one is, so it never reports with older
        # settings.
        self._are_integrations_known = True
        self._process.wake()

    def _on_connected(self) -> None:
        """Called in the link's thread."""
        self._are_integrations_known = False
        self.status_wanted = True
        reporter = self._reporter
        if reporter is not None:
            reporter.read_integrations()
        # Ping and description again: the server may be another one, or have forgotten this host.
        self._described = None
        self._ping_every_s = 0.0
        self._process.wake()

    def _log_invalid(self) -> None:
        now = time.monotonic()
        if self._invalid_count and now - self._invalid_logged_at >= _LOG_INVALID_EVERY_S:
            self._invalid_logged_at = now
            count, self._invalid_count = self._invalid_count, 0
            self._process.log.warning(
                "server messages refused", count=count, last=self._last_invalid
            )
