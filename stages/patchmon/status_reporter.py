"""Sends this host's capabilities to the server: in a thread, so nothing waits for it, and until
they have arrived.

Only the newest capabilities count. One try is an operation of the worker process that repeats
temporary trouble for half a minute; between tries the thread waits longer and longer, at random,
until the server has them.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, Queue
from typing import Any

from schemas.records import Record
from spool.errors import SpoolError
from stages.patchmon.http_worker import HttpWorker, ThreadHost
from stages.patchmon.outcome import Reply, message
from stages.patchmon.server_access import INTEGRATION_STATUS, HttpRequest, ServerAccess
from stages.runtime.logs import Log
from stages.runtime.worker import WorkerStoppedError

_LIMIT_S = 90.0
_RETRY_FOR_S = 30.0
_BETWEEN_S = 0.5
_USER = re.compile(r"//[^/@\s]+@")


class _Unsent(Record, frozen=True, kw_only=True):
    """Capabilities that the server does not have yet; None: there are none."""

    body: Mapping[str, Any] | None = None
    failures: int = 0
    again_at: float = 0.0

    def due_in_s(self) -> float | None:
        if self.body is None:
            return None
        return max(0.0, self.again_at - time.monotonic())


class StatusReporter:
    """The thread for one server."""

    def __init__(self, access: ServerAccess, log: Log, backoff_s: Callable[[int], float]) -> None:
        """`backoff_s` gives the longest wait after so many failures."""
        self._access = access
        self._log = log
        self._backoff_s = backoff_s
        self._stop = threading.Event()
        self._host = ThreadHost()
        self._http = HttpWorker(self._host)
        self._bodies: Queue[Mapping[str, Any] | None] = Queue(1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def report(self, body: Mapping[str, Any]) -> None:
        """Send this instead of what was to be sent before. For one thread alone."""
        self._put(body)

    def close(self) -> None:
        self._stop.set()
        self._host.stopping = True
        self._put(None)

    def _put(self, body: Mapping[str, Any] | None) -> None:
        with suppress(Empty):
            self._bodies.get_nowait()
        self._bodies.put(body)

    def _run(self) -> None:
        unsent = _Unsent()
        while not self._stop.is_set():
            try:
                unsent = _Unsent(body=self._bodies.get(timeout=unsent.due_in_s()))
            except Empty:
                unsent = self._after_a_try(unsent)
                self._stop.wait(_BETWEEN_S)

    def _after_a_try(self, unsent: _Unsent) -> _Unsent:
        """Try once; what is still to be sent after that."""
        problem = self._post(unsent.body or {})
        if problem is None or self._stop.is_set():
            return _Unsent()
        if unsent.failures == 0:
            self._log.warning(
                "capabilities not delivered, trying again", why=_USER.sub("//", problem)
            )
        failures = unsent.failures + 1
        wait_s = random.uniform(0, self._backoff_s(failures))  # noqa: S311 - jitter, not a secret
        return _Unsent(body=unsent.body, failures=failures, again_at=time.monotonic() + wait_s)

    def _post(self, body: Mapping[str, Any]) -> str | None:
        """None where the server took it, else why it did not."""
        request = HttpRequest(
            path=INTEGRATION_STATUS,
            headers={"Content-Type": "application/json", "User-Agent": "compliance-agent"},
            retry_for_s=_RETRY_FOR_S,
        )
        try:
            answer = self._http.send(self._access, request, json.dumps(body).encode(), _LIMIT_S)
        except (WorkerStoppedError, SpoolError) as error:
            return str(error)
        finally:
            self._http.stop()
        if not isinstance(answer, Reply):
            return answer.message
        if answer.status >= 300:
            return message(answer)
        return None
