"""The program of a worker process: reads payloads, calls one function, writes its answers.

Started by `stages.runtime.worker` with a socket as standard input. It knows three messages before
the first payload: the search path for modules; the function, the idle time and the modules to
import first; the confinement. It ends in order (exit code 0) when the other end is closed, or when
no payload comes for the idle time; with exit code 1 and a traceback after an exception that is not
a SpoolError, nor trouble of the machine (`spool.errors.is_of_the_machine`).

Imports little by itself: each import delays the first answer. Standard output and error are those
of the stage.
"""

import ctypes
import importlib
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Sequence

LENGTH_BYTES = 8
DONE = b"done"
OUT_OF_MEMORY = 71
"""The exit code of a child that reached its limit of memory."""
STILL_PRIVILEGED = 77
"""The exit code of a child that could not give up its privileges; it has read no payload."""
_CHUNK = 1 << 18
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


class _Channel:
    """The socket to the process that started this one."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self, limit_s: float | None = None) -> bytes:
        """The next message; ends this process where none comes."""
        if limit_s is not None and not select.select([self._handle], [], [], limit_s)[0]:
            sys.exit(0)
        length = int.from_bytes(self._read_exactly(LENGTH_BYTES), "big")
        return self._read_exactly(length)

    def read_texts(self) -> list[str]:
        return self.read().decode("utf-8", "surrogateescape").split("\0")

    def write(self, message: bytes) -> None:
        left = memoryview(len(message).to_bytes(LENGTH_BYTES, "big") + message)
        try:
            while left:
                left = left[os.write(self._handle, left) :]
        except (BrokenPipeError, ConnectionResetError):
            # The stage was killed, and has no use for the answer.
            sys.exit(0)

    def _read_exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = os.read(self._handle, min(_CHUNK, size - len(parts)))
            except ConnectionResetError:
                part = b""
            if not part:
                sys.exit(0)
            parts += part
        return bytes(parts)


def main() -> None:
    """Serve until nothing more comes."""
    system = ctypes.CDLL(None)
    prctl = system.prctl
    # Before the first read: where the other process has died meanwhile, that read finds the end.
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    _leave_stopping_to_the_stage()
    channel = _own_channel()
    sys.path[:] = channel.read_texts()
    entry, idle_s, *modules = channel.read_texts()
    for module in modules:
        importlib.import_module(module)
    function = _function(entry)
    _confine(system, channel.read_texts())
    # A change of the user has cleared it.
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    while True:
        payload = channel.read(float(idle_s))
        channel.write(_answer(function, payload))


def _leave_stopping_to_the_stage() -> None:
    """A handler that does nothing: an ignored signal would stay ignored in child programs."""
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in signals:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


def _own_channel() -> _Channel:
    """The socket under another handle, out of reach of what reads standard input."""
    channel = _Channel(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return channel


def _function(entry: str) -> Callable[[bytes], bytes]:
    module, _, name = entry.partition(":")
    function: Callable[[bytes], bytes] = getattr(importlib.import_module(module), name)
    return function


def _confine(system: ctypes.CDLL, confinement: Sequence[str]) -> None:
    """Give up privileges and set limits, in an order in which none prevents the next."""
    user_id, group_id, memory_bytes, cpu_s, file_bytes, no_capabilities, no_new_privileges = (
        confinement
    )
    limits = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
    )
    for kind, limit in limits:
        if limit:
            lower_limit(0, kind, int(limit))
    try:
        if group_id:
            os.setgroups([])
            os.setresgid(int(group_id), int(group_id), int(group_id))
        if user_id:
            os.setresuid(int(user_id), int(user_id), int(user_id))
    except OSError:
        # Root without CAP_SETUID and CAP_SETGID, or in a user namespace without that user.
        sys.exit(STILL_PRIVILEGED)
    if no_capabilities == "1":
        _drop_capabilities(system)
    if no_new_privileges == "1":
        system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _drop_capabilities(system: ctypes.CDLL) -> None:
    """Also those of a user other than root, which the service manager may give (capset(2))."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()
    # A unit that gives none may forbid capset, too (@privileged of systemd.exec(5)).
    if system.capget(header, held) == 0 and not any(held):
        return
    none = (ctypes.c_uint32 * 6)()
    if system.capset(header, none) != 0:
        sys.exit(STILL_PRIVILEGED)


def lower_limit(pid: int, kind: int, limit: int) -> None:
    """Set a limit of a process (0: this one). One that is lower already (`ulimit`, LimitFSIZE)
    stays: raising it needs a capability that no stage has.
    """
    hard = resource.prlimit(pid, kind)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.prlimit(pid, kind, (limit, limit))


def _answer(function: Callable[[bytes], bytes], payload: bytes) -> bytes:
    from spool.errors import SpoolError, is_of_the_machine, of_the_machine

    try:
        return DONE + b"\0" + function(payload)
    except MemoryError:
        # Its limit was reached, which is not an internal error.
        sys.exit(OUT_OF_MEMORY)
    except SpoolError as error:
        return _refusal(error)
    except OSError as error:
        if not is_of_the_machine(error):
            raise
        return _refusal(of_the_machine(str(error.filename or "the worker"), error))


def _refusal(error: Exception) -> bytes:
    return f"{type(error).__name__}\0{error}".encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
