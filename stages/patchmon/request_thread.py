"""Requests that a server has to take sooner or later, in a thread, so that nothing waits for them.

One request goes after another, each again and again with a growing random wait until the server has
taken it; of each kind only the newest counts. Nothing is sent before a time that the server has
named (`Retry-After`). At rest there is no worker process.

Diagnostics: the first failure of each kind is logged in one line, until one succeeds.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from schemas import codec
from schemas.records import Struct
from spool.errors import SpoolError
from stages.patchmon.http_worker import HttpWorker
from stages.patchmon.outcome import retry_after_s
from stages.patchmon.proxies import without_user
from stages.patchmon.reply import Reply
from stages.patchmon.server_access import JSON_HEADERS, HttpRequest, ServerAccess
from stages.runtime.logs import Log
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import WorkerStoppedError

_LIMIT_S = 45.0
_BETWEEN_S = 0.5


class Task(Struct):
    """One request that is still to be taken by the server."""

    title: str
    path: str
    take: Callable[[Reply], str | None]
    """None where the reply is what was wanted, else the problem."""
    method: str = "POST"
    body: object = None
    retry_for_s: float = 0.0
    repeat_s: float | None = None
    """Seconds after which it is sent again once the server has taken it."""
    due_at: float = 0.0
    failures: int = 0


class RequestThread:
    """The thread, for one server."""

    def __init__(self, access: ServerAccess, log: Log, backoff_s: Callable[[int], float]) -> None:
        """`backoff_s` gives the longest wait after so many failures."""
        self._access = access
        self._log = log
        self._backoff_s = backoff_s
        self._host = StandaloneHost()
        self._http = HttpWorker(self._host)
        self._tasks: dict[str, Task] = {}
        self._quiet_until = 0.0
        """Before then the server wants no request."""
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def put(self, task: Task) -> None:
        """Send this now, in the place of an earlier one of the same title."""
        with self._changed:
            self._tasks[task.title] = task
            self._changed.notify()

    def close(self) -> None:
        self._host.stopping = True
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            task = self._next_due()
            if task is None:
                return
            # Without the lock: `put` and `close` must not wait for the network.
            problem = self._try(task)
            with self._changed:
                if self._stopping:
                    return
                # Else `put` has replaced it meanwhile: what came of the old one does not matter.
                if self._tasks.get(task.title) is task:
                    self._after_a_try(task, problem)
                self._changed.wait_for(lambda: self._stopping, _BETWEEN_S)

    def _next_due(self) -> Task | None:
        """Wait for the next request that is due; None at the end."""
        with self._changed:
            while not self._stopping:
                task = min(self._tasks.values(), key=lambda task: task.due_at, default=None)
                wait_s = None
                if task is not None:
                    wait_s = max(task.due_at, self._quiet_until) - time.monotonic()
                    if wait_s <= 0:
                        return task
                self._http.stop()
                self._changed.wait(wait_s)
        self._http.stop()
        return None

    def _after_a_try(self, task: Task, problem: str | None) -> None:
        now = time.monotonic()
        if problem is None:
            task.failures = 0
            if task.repeat_s is None:
                del self._tasks[task.title]
            else:
                task.due_at = now + task.repeat_s
            return
        if task.failures == 0:
            self._log.warning(
                f"{task.title}: no usable answer, trying again", reason=without_user(problem)
            )
        task.failures += 1
        task.due_at = now + random.uniform(0, self._backoff_s(task.failures))  # noqa: S311 - jitter, not a secret

    def _try(self, task: Task) -> str | None:
        """None where the server took it, else why it did not."""
        request = HttpRequest(
            method=task.method,
            path=task.path,
            headers=JSON_HEADERS,
            retry_for_s=task.retry_for_s,
        )
        content = b""
        if task.body is not None:
            content = codec.encode(task.body)
        try:
            answer = self._http.send(self._access, request, content, _LIMIT_S)
        except (WorkerStoppedError, SpoolError) as error:
            return str(error)
        if not isinstance(answer, Reply):
            return answer.message
        problem = task.take(answer)
        if problem is not None:
            self._quiet_until = time.monotonic() + retry_after_s(answer, datetime.now(UTC))
        return problem
