"""The worker process: whatever may hang or grow runs in a child, not in the stage.

Promises: the deadline of a call is the end of the child (SIGKILL for its process group); its memory
goes with it; while it works the stage stays in its main loop, so it answers the service manager and
stops when it has to; the child dies with the stage. The child is a new interpreter that is spawned,
never a fork of a process with threads.

A worker can be started before there is work, so that its imports add nothing to the latency; it
serves any number of calls one after the other, and ends by itself after some seconds without one.
At rest there is no child.

Diagnostics: WorkerError where the child came to no answer; WorkerStoppedError where this process
has to stop. SpoolErrors of the called function arrive with their type. Any other exception is
printed by the child with its traceback and ends it. SpoolError where no process can be started:
transient, the work stays pending.

Security: payload and answer are bytes; nothing that comes from a child is ever unpickled.
"""

import errno
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import stages
from schemas.records import Record
from spool import errors
from spool.errors import SpoolError
from stages.runtime import worker_main

_CHECK_EVERY_S = 1.0
_SEND_LIMIT_S = 30.0
_EXIT_LIMIT_S = 5.0
_CHUNK = 1 << 18
_MAX_ANSWER_BYTES = 1 << 30
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

IMPORTED_FIRST: list[str] = []
"""Modules that every worker imports first: those that add something to a registry."""


class WorkerError(Exception):
    """The child ended without an answer; the text is how."""


class WorkerStoppedError(Exception):
    """This process has to stop while the child works; the child is gone."""


class Host(Protocol):
    """What a worker needs of the process that starts it."""

    stopping: bool
    readers: dict[int, Callable[[], None]]
    """What to do when a file handle has something to read, outside of a call."""

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]: ...


class Confinement(Record, frozen=True, kw_only=True):
    """What a child gives up before it reads its first payload; None leaves a thing as it is."""

    user_id: int | None = None
    group_id: int | None = None
    memory_bytes: int | None = None
    cpu_s: int | None = None
    file_bytes: int | None = None
    """The longest file that it may write."""
    no_new_privileges: bool = True


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
        self._child: _Child | None = None

    def start(self) -> None:
        """Start the child now if none runs. Raises SpoolError if the host can't start one."""
        if self._child is None:
            self._child = _Child(self._entry, self._idle_s, self._confinement)
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
        """End the child, whatever it does."""
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
            raise WorkerError(_how_it_ended(exit_code))
        self._host.readers[child.handle] = self.stop
        return answer


class _Child:
    """A running interpreter and the socket to it.

    Messages both ways: eight bytes of length, then the bytes.
    """

    def __init__(self, entry: str, idle_s: float, confinement: Confinement) -> None:
        try:
            self._socket, self._pid = _spawn_with_socket(entry)
        except OSError as error:
            raise SpoolError(
                f"no worker process can be started: {error.strerror}; {errors.remedy(error)}; "
                "the work stays pending"
            ) from error
        self.handle = self._socket.fileno()
        self._received = bytearray()
        self._ended = False
        self._exit_code: int | None = None
        self.send("\0".join(_search_path()).encode("utf-8", "surrogateescape"))
        self.send("\0".join((entry, str(idle_s), *IMPORTED_FIRST)).encode())
        self.send("\0".join(_confining(confinement)).encode())

    def send(self, message: bytes) -> bool:
        """Whether the child still takes it."""
        self._socket.settimeout(_SEND_LIMIT_S)
        try:
            self._socket.sendall(len(message).to_bytes(worker_main.LENGTH_BYTES, "big") + message)
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.ECONNRESET):
                self._ended = True
                return False
            raise WorkerError("does not take its work and was ended") from error
        finally:
            self._socket.setblocking(False)
        return True

    def receive(self) -> bool:
        """Take what has arrived; whether the answer is whole, or none will come."""
        with suppress(BlockingIOError):
            while not self._is_whole():
                try:
                    part = self._socket.recv(_CHUNK)
                except ConnectionResetError:
                    part = b""
                if not part:
                    self._ended = True
                    break
                self._received += part
        return self._ended or self._is_whole()

    def take_answer(self) -> bytes | None:
        """The answer that has arrived; None where the child ended before it was whole."""
        if not self._is_whole():
            return None
        answer = bytes(self._received[worker_main.LENGTH_BYTES :])
        self._received.clear()
        return answer

    def kill(self) -> int:
        """End it, and whatever it has started; its exit code, negative for a signal."""
        if self._exit_code is None:
            self._socket.close()
            if self._ended:
                _wait_for_exit(self._pid)
            # Not reaped yet, so the group is still its own.
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            self._exit_code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._exit_code

    def _is_whole(self) -> bool:
        length_bytes = worker_main.LENGTH_BYTES
        if len(self._received) < length_bytes:
            return False
        length = int.from_bytes(self._received[:length_bytes], "big")
        if length > _MAX_ANSWER_BYTES:
            raise WorkerError("gave an answer that is too large")
        return len(self._received) >= length_bytes + length


def _spawn_with_socket(entry: str) -> tuple[socket.socket, int]:
    """A new interpreter: the socket to it, and its process id. Raises OSError."""
    own, theirs = socket.socketpair()
    with theirs:
        try:
            return own, _spawn(theirs.fileno(), entry)
        except OSError:
            own.close()
            raise


def _spawn(channel: int, entry: str) -> int:
    """Start an interpreter that has the socket as its standard input; its process id.

    `-I -S`: it gets the search path of this process and does not look for one of its own. Signals
    stay blocked until it has its handlers: a stop of the whole service must not look like the death
    of the work.
    """
    program = [sys.executable, "-I", "-S", worker_main.__file__, entry]
    return os.posix_spawn(
        sys.executable,
        program,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, channel, 0)],
        setpgroup=0,
        setsigmask=_SIGNALS,
    )


def _wait_for_exit(pid: int) -> None:
    """Give a process that has closed its socket a moment to end with its own exit code."""
    handle = os.pidfd_open(pid)
    try:
        select.select([handle], [], [], _EXIT_LIMIT_S)
    finally:
        os.close(handle)


def _search_path() -> list[str]:
    """Where this process finds its modules."""
    home = Path(stages.__path__[0]).parent
    # abspath, because "" is the current directory.
    return [str(home), *(os.path.abspath(path) for path in sys.path)]  # noqa: PTH100


def _confining(confinement: Confinement) -> list[str]:
    """The confinement as the child reads it: an empty text for what stays as it is."""
    values = (
        confinement.user_id,
        confinement.group_id,
        confinement.memory_bytes,
        confinement.cpu_s,
        confinement.file_bytes,
        int(confinement.no_new_privileges),
    )
    return ["" if value is None else str(value) for value in values]


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


def _how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        return f"ended by signal {-exit_code}"
    return f"ended with exit code {exit_code}"
