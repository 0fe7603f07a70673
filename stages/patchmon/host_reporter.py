"""What this host reports to the server beside its scans: that it is alive, what it is, what it can
scan.

At every connection it reads first what the server has set for this host: an agent that reported
`ready` without that would switch compliance on. What only shows that the host is alive goes its own
way, so a server that is slow there holds up nothing else.
"""

from collections.abc import Callable

from schemas.schedule import ServerOverrides
from stages.patchmon.capabilities import IntegrationStatus
from stages.patchmon.host_update import HostUpdate
from stages.patchmon.integrations import IntegrationsError, read_integrations
from stages.patchmon.key_check import not_a_server
from stages.patchmon.reply import Reply, is_page, json_object, message
from stages.patchmon.request_thread import RequestThread, Task
from stages.patchmon.server_access import (
    HOST_UPDATE,
    INTEGRATION_STATUS,
    INTEGRATIONS,
    PING,
    ServerAccess,
)
from stages.patchmon.server_messages import KnownScanners
from stages.runtime.logs import Log

PING_EVERY_S = 3600.0
_RETRY_FOR_S = 30.0
_NO_SUCH_ENDPOINT = frozenset({404, 405, 501})
_NOT_TAKEN_EVER = frozenset({400, 422, *_NO_SUCH_ENDPOINT})


class HostReporter:
    """The threads for one server."""

    def __init__(
        self,
        access: ServerAccess,
        scanners: KnownScanners,
        log: Log,
        backoff_s: Callable[[int], float],
        on_integrations: Callable[[ServerOverrides | None], None],
    ) -> None:
        """`backoff_s` gives the longest wait after so many failures.

        `on_integrations` is called in a thread with what the server has set, None where the server
        has no such settings.
        """
        self.access = access
        self._scanners = scanners
        self._log = log
        self._on_integrations = on_integrations
        self._capabilities = RequestThread(access, log, backoff_s)
        try:
            self._life = RequestThread(access, log, backoff_s)
        except RuntimeError:
            # No thread can be started: the first one must not go on without the second.
            self._capabilities.close()
            raise

    @property
    def is_alive(self) -> bool:
        return self._capabilities.is_alive and self._life.is_alive

    def read_integrations(self) -> None:
        """Read what the server has set for this host."""
        self._capabilities.put(
            Task("the server's settings", INTEGRATIONS, self._take_integrations, method="GET")
        )

    def ping(self, every_s: float) -> None:
        """Show that the host is alive now, and again in this interval."""
        self._life.put(Task("the ping", PING, self._take_ping, repeat_s=every_s))

    def describe(self, host: HostUpdate) -> None:
        """Send what this host is: name, system, version."""
        self._life.put(
            Task("the host's description", HOST_UPDATE, self._take_description, body=host)
        )

    def report(self, status: IntegrationStatus) -> None:
        """Send what this host can scan, instead of what was to be sent before."""
        self._capabilities.put(
            Task("capabilities", INTEGRATION_STATUS, _taken, body=status, retry_for_s=_RETRY_FOR_S)
        )

    def close(self) -> None:
        self._capabilities.close()
        self._life.close()

    def _take_integrations(self, reply: Reply) -> str | None:
        if reply.status in _NO_SUCH_ENDPOINT:
            self._on_integrations(None)
            return None
        problem = _taken(reply)
        if problem is not None:
            return problem
        try:
            found = read_integrations(reply, self._scanners)
        except IntegrationsError as error:
            return str(error)
        self._on_integrations(found)
        return None

    def _take_ping(self, reply: Reply) -> str | None:
        if reply.status in _NO_SUCH_ENDPOINT:
            self._log.info("the server does not accept pings", reason=message(reply))
            return None
        problem = _taken(reply)
        if problem is None and json_object(reply) is None:
            # A login page would leave the host stale at the server.
            return not_a_server(reply)
        return problem

    def _take_description(self, reply: Reply) -> str | None:
        """A server that does not take a partial description never will."""
        problem = _taken(reply)
        if problem is None or reply.status not in _NOT_TAKEN_EVER:
            return problem
        self._log.info("the server does not accept the host's description", reason=problem)
        return None


def _taken(reply: Reply) -> str | None:
    if reply.status >= 300:
        return message(reply)
    if is_page(reply):
        return not_a_server(reply)
    return None
