"""What this host reports to the server beside its scans: that it is alive, what it is, what it can
scan.

A thread, so that nothing waits for the network. It sends one request after another, each again and
again until the
server has taken it; of each kind only the newest counts. At every connection it reads first what
the server has set
for this host: an agent that reported `ready` without that would switch compliance on.

Diagnostics: the first failure of each kind is logged in one line, until one succeeds.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.schedule import ServerOverrides
from spool.errors import SpoolError
from stages.patchmon.http_worker import HttpWorker, ThreadHost
from stages.patchmon.integrations import IntegrationsError, read_integrations
from stages.patchmon.outcome import Reply, message
from stages.patchmon.server_access import (
    HOST_UPDATE,
    INTEGRATION_STATUS,
    INTEGRATIONS,
    PING,
    HttpRequest,
    ServerAccess,
)
from stages.patchmon.server_messages import KnownScanners
from stages.runtime.logs import Log
from stages.runtime.worker import WorkerStoppedError

PING_EVERY_S = 3600.0
_LIMIT_S = 45.0
_SHORT_LIMIT_S = 15.0
"""What only shows that the host is alive holds up the rest no longer than this."""
_RETRY_FOR_S = 30.0
_BETWEEN_S = 0.5
_USER = re.compile(r"//[^/@\s]+@")
_NO_SUCH_ENDPOINT = frozenset({404, 405, 501})


@dataclass
class _Task:
    """One request that is still to be taken by the server."""

    title: str
    path: str
    take: Callable[[Reply], str | None]
    """None where the reply is what was wanted, else the problem."""
    method: str = "POST"
    body: Mapping[str, Any] = field(default_factory=dict)
    limit_s: float = _SHORT_LIMIT_S
    retry_for_s: float = 0.0
    repeat_s: float | None = None
    """Seconds after which it is sent again once the server has taken it."""
    due_at: float = 0.0
    failures: int = 0


class HostReporter:
    """The thread for one server."""

    def __init__(
        self,
        access: ServerAccess,
        scanners: KnownScanners,
        log: Log,
        backoff_s: Callable[[int], float],
        on_integrations: Callable[[ServerOverrides | None], None],
    ) -> None:
        """`backoff_s` gives the longest wait after so many failures.

        `on_integrations` is called in the thread with what the server has set, None where the
        server has no such
        settings.
        """
        self.access = access
        self._scanners = scanners
        self._log = log
        self._backoff_s = backoff_s
        self._on_integrations = on_integrations
        self._host = ThreadHost()
        self._http = HttpWorker(self._host)
        self._tasks: dict[str, _Task] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def read_integrations(self) -> None:
        """Read what the server has set for this host."""
        self._put(
            _Task("the server's settings", INTEGRATIONS, self._take_integrations, method="GET")
        )

    def ping(self, every_s: float) -> None:
        """Show that the host is alive now, and again in this interval."""
        self._put(_Task("the ping", PING, _taken, repeat_s=every_s))

    def describe(self, host: Mapping[str, Any]) -> None:
        """Send what this host is: name, system, version."""
        self._put(_Task("the host's description", HOST_UPDATE, self._take_description, body=host))

    def report(self, status: Mapping[str, Any]) -> None:
        """Send what this host can scan, instead of what was to be sent before."""
        self._put(
            _Task(
                "capabilities",
                INTEGRATION_STATUS,
                _taken,
                body=status,
                limit_s=_LIMIT_S,
                retry_for_s=_RETRY_FOR_S,
            )
        )

    def close(self) -> None:
        self._host.stopping = True
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _put(self, task: _Task) -> None:
        with self._changed:
            self._tasks[task.title] = task
            self._changed.notify()

    def _run(self) -> None:
        while True:
            task = self._next_due()
            if task is None:
                return
            problem = self._try(task)
            with self._changed:
                if self._stopping:
                    return
                if self._tasks.get(task.title) is task:
                    self._after_a_try(task, problem)
                self._changed.wait_for(lambda: self._stopping, _BETWEEN_S)

    def _next_due(self) -> _Task | None:
        """Wait for the next request that is due; None at the end."""
        with self._changed:
            while not self._stopping:
                task = min(self._tasks.values(), key=lambda task: task.due_at, default=None)
                wait_s = None
                if task is not None:
                    wait_s = task.due_at - time.monotonic()
                    if wait_s <= 0:
                        return task
                # At rest there is no worker process.
                self._http.stop()
                self._changed.wait(wait_s)
        self._http.stop()
        return None

    def _after_a_try(self, task: _Task, problem: str | None) -> None:
        now = time.monotonic()
        if problem is None:
            task.failures = 0
            if task.repeat_s is None:
                del self._tasks[task.title]
            else:
                task.due_at = now + task.repeat_s
            return
        if task.failures == 0:
            reason = _USER.sub("//", problem)
            self._log.warning(f"{task.title}: not delivered, trying again", reason=reason)
        task.failures += 1
        task.due_at = now + random.uniform(0, self._backoff_s(task.failures))  # noqa: S311 - jitter, not a secret

    def _try(self, task: _Task) -> str | None:
        """None where the server took it, else why it did not."""
        request = HttpRequest(
            method=task.method,
            path=task.path,
            headers={"Content-Type": "application/json", "User-Agent": "compliance-agent"},
            retry_for_s=task.retry_for_s,
        )
        content = b""
        if task.body:
            content = json.dumps(task.body).encode()
        try:
            answer = self._http.send(self.access, request, content, task.limit_s)
        except (WorkerStoppedError, SpoolError) as error:
            return str(error)
        if not isinstance(answer, Reply):
            return answer.message
        return task.take(answer)

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

    def _take_description(self, reply: Reply) -> str | None:
        """A server that does not take a partial description never will."""
        problem = _taken(reply)
        if problem is None or reply.status not in (400, 404, 405, 422):
            return problem
        self._log.info("the server does not take the host's description", reason=problem)
        return None


def _taken(reply: Reply) -> str | None:
    if reply.status < 300:
        return None
    return message(reply)
