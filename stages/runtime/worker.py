"""The worker process: work that may hang or need much memory runs in a child of the stage.

Promises: the deadline of a call is the end of the child (SIGKILL for its process group); its memory
goes with it; while it works the stage stays in its main loop, so it answers the service manager and
stops when it has to; the child dies with the stage. How a child is started and ended is in
`stages.runtime.worker_child`, what it does in `stages.runtime.worker_main`.

A worker can be started before there is work, so that its imports add nothing to the latency; it
serves any number of calls one after the other, and ends by itself after some seconds without one.
At rest there is no child.

Diagnostics: WorkerError where the child gave no answer; WorkerStoppedError where this process
has to stop. SpoolErrors of the called function arrive with their type. Any other exception is
printed by the child with its traceback and ends it. SpoolError where no process can be started:
transient, the work stays pending.

Security: payload and answer are bytes; nothing that comes from a child is ever unpickled.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from spool import errors
from spool.errors import SpoolError
from stages.runtime import worker_main
from stages.runtime.worker_child import (
    Confinement,
    WorkerChild,
    WorkerError,
    how_it_ended,
    unprivileged,
)

__all__ = ["Confinement", "Host", "Worker", "WorkerError", "WorkerStoppedError", "unprivileged"]

_CHECK_EVERY_S = 1.0

IMPORTED_FIRST: list[str] = []
"""Modules that every worker imports first: those that add something to a registry."""


class WorkerStoppedError(Exception):
    """This process has to stop while the child works; the child is gone."""


class Host(Protocol):
    """What a worker needs of the process that starts it."""

    stopping: bool
    readers: dict[int, Callable[[], None]]
    """What to do when a file handle has something to read, outside of a call."""

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]: ...


class Worker:
    """At most one child, which calls one function: bytes in, bytes out."""

    def __init__(
        self,
        host: Host,
        entry: str,
        *,
        idle_s: float = 30.0,
        confinement: Confinement | None = None,
    ) -> None:
        """`entry` is "package.module:function"; `idle_s` is how long a child waits for a call."""
        self._host = host
        self._entry = entry
        self._idle_s = idle_s
        self._confinement = confinement or Confinement()
        self._child: WorkerChild | None = None

    def start(self) -> None:
        """Start the child now if none runs. Raises SpoolError if the host can't start one."""
        if self._child is None:
            self._child = WorkerChild(self._entry, self._idle_s, self._confinement, IMPORTED_FIRST)
            # Between two calls the socket is readable only when the child has ended: then it is
            # reaped at once, and does not stay a zombie until the next call.
            self._host.readers[self._child.handle] = self.stop

    def call(self, payload: bytes, limit_s: float) -> bytes:
        """What the function returns.

        Raises WorkerError, WorkerStoppedError, and the SpoolErrors of the function.
        """
        deadline = time.monotonic() + limit_s
        self.start()
        try:
            answer = self._exchange(payload, deadline)
            if answer is None:
                # It was idle for too long just when this call came. A new child has not been idle.
                self.stop()
                self.start()
                answer = self._exchange(payload, deadline)
            if answer is None:
                raise WorkerError("ended without an answer")
        except BaseException:
            self.stop()
            raise
        return _result(answer)

    def stop(self) -> None:
        """End the child, also in the middle of a call."""
        if self._child is not None:
            self._host.readers.pop(self._child.handle, None)
            self._child.kill()
            self._child = None

    def _exchange(self, payload: bytes, deadline: float) -> bytes | None:
        """Send the payload and wait for the answer; None if the child had ended in order before."""
        child = self._child
        assert child is not None  # noqa: S101 - for the type checker: `call` has started it
        self._host.readers.pop(child.handle, None)
        if child.send(payload):
            while not child.receive():
                if self._host.stopping:
                    raise WorkerStoppedError
                if time.monotonic() >= deadline:
                    raise WorkerError("took too long and was ended")
                self._host.wait(_CHECK_EVERY_S, (child.handle,))
        answer = child.take_answer()
        if answer is None:
            exit_code = child.kill()
            if exit_code == 0:
                return None
            raise WorkerError(how_it_ended(exit_code))
        self._host.readers[child.handle] = self.stop
        return answer


def _result(answer: bytes) -> bytes:
    """The bytes of a good answer. Raises the SpoolError of a bad one."""
    kind, _, content = answer.partition(b"\0")
    if kind == worker_main.DONE:
        return content
    raise _spool_error(kind.decode("ascii", "replace"), content.decode("utf-8", "replace"))


def _spool_error(name: str, message: str) -> SpoolError:
    """An error of the spool by the name of its class, as the child met it."""
    kind = getattr(errors, name, None)
    if not isinstance(kind, type) or not issubclass(kind, SpoolError):
        raise WorkerError(f"gave an answer that can't be understood ({name!r})")
    error = kind.__new__(kind)
    # Not by its constructor: a StorageError is made from an OSError, and only its message is here.
    error.args = (message,)
    return error
