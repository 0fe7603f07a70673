"""The child of a worker, as its parent has it: spawned, confined, spoken to over a socket, ended.

Promises: the child is a new interpreter that is spawned, never a fork of a process with threads. It
is a process group of its own, so its end is that of everything it has started. Nothing that comes
from it is ever unpickled.

Diagnostics: WorkerError where the child does not answer as it should; MachineError where no process
can be started.
"""

import errno
import os
import pwd
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import stages
from schemas.records import Record
from spool import errors
from stages.runtime import worker_main

_SEND_LIMIT_S = 30.0
_EXIT_LIMIT_S = 5.0
_CHUNK = 1 << 18
_NOBODY = 65534
_MAX_ANSWER_BYTES = 1 << 30
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class WorkerError(Exception):
    """The child ended without an answer; the text is how."""


class Confinement(Record, frozen=True, kw_only=True):
    """What a child gives up before it reads its first payload; None leaves a thing as it is."""

    user_id: int | None = None
    group_id: int | None = None
    memory_bytes: int | None = None
    cpu_s: int | None = None
    file_bytes: int | None = None
    """The longest file that it may write."""
    no_capabilities: bool = False
    no_new_privileges: bool = True


def unprivileged(*, memory_bytes: int, cpu_s: int, file_bytes: int) -> Confinement:
    """That of a child which reads what a stranger wrote: the user `nobody` where root starts it,
    without capabilities whoever does.
    """
    user = group = None
    if os.geteuid() == 0:
        user, group = _nobody()
    return Confinement(
        user_id=user,
        group_id=group,
        memory_bytes=memory_bytes,
        cpu_s=cpu_s,
        file_bytes=file_bytes,
        no_capabilities=True,
    )


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY, _NOBODY
    return entry.pw_uid, entry.pw_gid


class WorkerChild:
    """A running interpreter and the socket to it.

    Messages both ways: eight bytes of length, then the bytes.
    """

    def __init__(
        self, entry: str, idle_s: float, confinement: Confinement, imported_first: Sequence[str]
    ) -> None:
        try:
            self._socket, self._pid = _spawn_with_socket(entry)
        except OSError as error:
            raise errors.of_the_machine("no worker process can be started", error) from error
        self.handle = self._socket.fileno()
        self._received = bytearray()
        self._ended = False
        self._exit_code: int | None = None
        self.send("\0".join(_search_path()).encode("utf-8", "surrogateescape"))
        self.send("\0".join((entry, str(idle_s), *imported_first)).encode())
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
        """End it and everything that it has started; its exit code, negative for a signal."""
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
        int(confinement.no_capabilities),
        int(confinement.no_new_privileges),
    )
    texts: list[str] = []
    for value in values:
        text = ""
        if value is not None:
            text = str(value)
        texts.append(text)
    return texts


def how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        return f"ended by signal {-exit_code}"
    if exit_code == worker_main.OUT_OF_MEMORY:
        return "needed more memory than its limit"
    if exit_code == worker_main.STILL_PRIVILEGED:
        return (
            "could not give up its privileges, which a container or a user namespace may "
            "prevent: run it as a user other than root"
        )
    return f"ended with exit code {exit_code}"
