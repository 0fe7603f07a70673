"""Work in a child process: what it costs in memory goes with it, and what kills it does not kill the stage.

The child is a fork of this process and does nothing but `work`; it answers with bytes through a pipe. While it works
this process stays in its loop: it answers the service manager, and hears that it is told to stop.

Diagnostics: OffspringError where the child died, or was ended because it took too long. SpoolErrors that `work`
raises arrive as they are; any other exception of it is printed by the child and arrives as its death.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from spool.errors import EntryDamagedError, SpoolError
from stages.runtime.process import Process

_DONE, _DAMAGED, _STORAGE = b"+", b"!", b"?"
_CHECK_EVERY_S = 1.0


class WorkerError(Exception):
    """The child came to no answer; the text says how it ended."""


class WorkerStoppedError(Exception):
    """This process was told to stop while the child worked; the child is gone."""


def run_in_worker(process: Process, work: Callable[[], bytes], limit_s: float) -> bytes:
    """The bytes that `work` gives. Raises OffspringError, StoppedError, and SpoolErrors of `work`."""
    reader, writer = os.pipe()
    # Flushed first, or the child would write this process's unwritten lines once more.
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_the_child(reader, writer, work)
    os.close(writer)
    try:
        answer = _listen(process, reader, time.monotonic() + limit_s)
    except BaseException:
        _end(pid)
        raise
    finally:
        os.close(reader)
    return _understood(answer, _reap(pid))


def _be_the_child(reader: int, writer: int, work: Callable[[], bytes]) -> None:
    """Never returns."""
    code = 70
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(reader)
        with os.fdopen(writer, "wb") as stream:
            stream.write(_answer(work))
        code = 0
    finally:
        if code:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def _answer(work: Callable[[], bytes]) -> bytes:
    try:
        return _DONE + work()
    except EntryDamagedError as error:
        return _DAMAGED + str(error).encode()
    except SpoolError as error:
        return _STORAGE + str(error).encode()


def _listen(process: Process, reader: int, deadline: float) -> bytes:
    os.set_blocking(reader, False)
    parts: list[bytes] = []
    while True:
        with suppress(BlockingIOError):
            while part := os.read(reader, 1 << 20):
                parts.append(part)
            return b"".join(parts)
        if process.stopping:
            raise WorkerStoppedError
        if time.monotonic() >= deadline:
            raise WorkerError("took too long and was ended")
        process.wait(_CHECK_EVERY_S, (reader,))


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _reap(pid)


def _reap(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _understood(answer: bytes, code: int) -> bytes:
    kind, payload = answer[:1], answer[1:]
    if code != 0 or not kind:
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise WorkerError(f"ended {how}")
    if kind == _DAMAGED:
        raise EntryDamagedError(payload.decode())
    if kind == _STORAGE:
        raise SpoolError(payload.decode())
    return payload
