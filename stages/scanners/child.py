"""Running a scanner: its own process group, a time limit, bounded output, an end on demand.

Promises: standard output and error are read all the time, so the scanner never blocks on a full pipe; what is kept of
them is bounded; TERM is followed by KILL for the whole group; when this process is killed, the kernel kills the
scanner. Lowest CPU and idle I/O priority. No shell.

Security: a fixed environment; the argument list is passed as it is.
"""

import io
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol

from stages.runtime.process import Process

_TERM_PATIENCE_S = 10.0
_LINE_BYTES = 16 * 1024
_LAST_LINE_CHARS = 1000
"""Characters of a scanner's last line that go into the reason of a failed scan."""
_KEEP_BYTES = 8 * 1024 * 1024
_CHECK_EVERY_S = 0.5


@dataclass(frozen=True)
class Limits:
    time_s: float
    output_bytes: int


class Place(Protocol):
    """Where and within which limits a command runs."""

    @property
    def limits(self) -> Limits: ...

    @property
    def directory(self) -> Path | None: ...

    @property
    def environment(self) -> Mapping[str, str]: ...


class Cause(Enum):
    """Why this process ended a scanner."""

    CANCELLED = auto()
    TIME_LIMIT = auto()
    OUTPUT_LIMIT = auto()
    STOPPING = auto()
    DISK_FULL = auto()
    NOT_STARTED = auto()
    """There was no scanner to end: the program could not be started."""


@dataclass(frozen=True)
class EndedBy:
    """Why this process ended a scanner, and the same as a message."""

    cause: Cause
    message: str


@dataclass(frozen=True)
class End:
    """How a scanner ended. `ended_by` is None where it ended by itself."""

    exit_code: int | None
    signal: int | None
    ended_by: EndedBy | None
    last_line: str
    """The last line of standard error, or of standard output."""


class Child:
    """One run of a scanner in a draft directory; standard output and error go to `stdout.log` and `stderr.log`."""

    def __init__(
        self, process: Process, draft: Path, place: Place, on_line: Callable[[str], None]
    ) -> None:
        self._process = process
        self._draft = draft
        self._place = place
        self._limits = place.limits
        self._on_line = on_line

    def run(
        self,
        command: Sequence[str],
        started: Callable[[int], None],
        unwanted: Callable[[], EndedBy | None],
    ) -> End:
        """Run to the end. `started` gets the process id; `unwanted` is called twice a second for a reason to end it.

        Raises OSError where the program can't be started.
        """
        popen = subprocess.Popen(
            [*_wrapping(), *command],
            cwd=self._place.directory or self._draft,
            env={**_environment(self._draft), **self._place.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with suppress(ProcessLookupError):
            # One byte more: a file that reached its own limit is over the scan's, and that is what is reported.
            resource.prlimit(popen.pid, resource.RLIMIT_FSIZE, (self._limits.output_bytes + 1,) * 2)
            resource.prlimit(popen.pid, resource.RLIMIT_CORE, (0, 0))
        try:
            started(popen.pid)
            return self._attend(popen, unwanted)
        finally:
            end_group(popen.pid, signal.SIGKILL)
            popen.wait()

    def _attend(
        self, popen: "subprocess.Popen[bytes]", unwanted: Callable[[], EndedBy | None]
    ) -> End:
        assert isinstance(popen.stdout, io.BufferedReader)  # noqa: S101 - for the type checker: both are pipes
        assert isinstance(popen.stderr, io.BufferedReader)  # noqa: S101
        out = _Stream(popen.stdout, self._draft / "stdout.log", self._on_line)
        err = _Stream(popen.stderr, self._draft / "stderr.log", lambda _: None)
        ending = _Ending(time.monotonic() + self._limits.time_s)
        exited = os.pidfd_open(popen.pid)
        try:
            while popen.poll() is None:
                open_streams = {stream.handle: stream for stream in (out, err) if not stream.closed}
                ready = self._process.wait(_CHECK_EVERY_S, [*open_streams, exited])
                for handle in ready:
                    if handle in open_streams:
                        open_streams[handle].read()
                self._end_if_due(popen.pid, ending, lambda: self._too_much(out, err) or unwanted())
            # A grandchild may hold the pipe open: read what is there, do not wait for its end.
            out.drain()
            err.drain()
            ending.reason = ending.reason or self._too_much(out, err)
        finally:
            os.close(exited)
            out.close()
            err.close()
        code = popen.returncode
        return End(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            ended_by=ending.reason,
            last_line=err.last_line or out.last_line,
        )

    def _end_if_due(
        self, pid: int, ending: "_Ending", unwanted: Callable[[], EndedBy | None]
    ) -> None:
        """End the scanner when it is time to."""
        now = time.monotonic()
        if ending.reason is None and now >= ending.next_check:
            ending.next_check = now + _CHECK_EVERY_S
            ending.reason = self._reason_to_end(now, ending.deadline, unwanted)
            if ending.reason:
                ending.killing_at = now + _TERM_PATIENCE_S
                end_group(pid, signal.SIGTERM)
        elif ending.reason and now >= ending.killing_at:
            end_group(pid, signal.SIGKILL)

    def _reason_to_end(
        self, now: float, deadline: float, unwanted: Callable[[], EndedBy | None]
    ) -> EndedBy | None:
        if now >= deadline:
            message = f"took longer than its limit of {self._limits.time_s:.0f} s"
            return EndedBy(Cause.TIME_LIMIT, message)
        return unwanted()

    def _too_much(self, out: "_Stream", err: "_Stream") -> EndedBy | None:
        """Whether files and streams together are over the limit; also checked once a scanner has ended."""
        if _size(self._draft) + out.dropped + err.dropped <= self._limits.output_bytes:
            return None
        message = f"wrote more than its limit of {self._limits.output_bytes >> 20} MiB"
        return EndedBy(Cause.OUTPUT_LIMIT, message)


@dataclass
class _Ending:
    deadline: float
    reason: EndedBy | None = None
    killing_at: float = 0.0
    next_check: float = 0.0


class _Stream:
    """One output of the scanner: kept in a file up to a limit, and split into lines."""

    def __init__(self, pipe: BinaryIO, path: Path, on_line: Callable[[str], None]) -> None:
        self.handle = pipe.fileno()
        os.set_blocking(self.handle, False)
        self.closed = False
        self.last_line = ""
        self._pipe = pipe
        self._file = path.open("wb")
        self._left = _KEEP_BYTES
        self.dropped = 0
        self._on_line = on_line
        self._rest = b""

    def read(self) -> bool:
        """Read what is there; False where nothing is, now or for good."""
        try:
            chunk = os.read(self.handle, 65536)
        except BlockingIOError:
            return False
        if not chunk:
            self.closed = True
            return False
        kept = chunk[: self._left]
        self._left -= len(kept)
        self.dropped += len(chunk) - len(kept)
        self._file.write(kept)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._pass_on(line)
        self._rest = self._rest[-_LINE_BYTES:]
        return True

    def drain(self) -> None:
        while self.read():
            pass
        self._pass_on(self._rest)

    def close(self) -> None:
        self._file.close()
        self._pipe.close()

    def _pass_on(self, line: bytes) -> None:
        message = " ".join(line[:_LINE_BYTES].decode("utf-8", "replace").split())
        # It goes to logs, reports and terminals: a file's or a container's name must not steer them.
        text = "".join(char if char.isprintable() else "\ufffd" for char in message)
        if text:
            self.last_line = text[:_LAST_LINE_CHARS]
            self._on_line(text)


def end_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a whole process group; a group that is gone is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def parent_death_signal() -> list[str]:
    """A prefix for commands: the kernel kills them when this process dies. Empty where the host can't do that."""
    return [*_working("setpriv", "--pdeathsig", "KILL")]


def _wrapping() -> list[str]:
    """The parent death signal, and programs that lower the priority, where the host has them."""
    return [*parent_death_signal(), *_working("ionice", "-c", "3"), *_working("nice", "-n", "19")]


@cache
def _working(program: str, *arguments: str) -> tuple[str, ...]:
    """The prefix, where the program exists and runs with these arguments without an error.

    A service's sandbox may forbid it: then the service manager does the same, for all of the service's processes.
    """
    path, harmless = shutil.which(program), shutil.which("true")
    if path is None or harmless is None:
        return ()
    try:
        done = subprocess.run(
            [path, *arguments, harmless],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return (path, *arguments) if done.returncode == 0 and not done.stderr else ()


def _environment(draft: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(draft),
        "TMPDIR": str(draft),
    }


def _size(directory: Path) -> int:
    total = 0
    for place, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += os.lstat(Path(place, name)).st_size
    return total
