"""Running a scanner: its own process group, a time limit, bounded output, ended on request.

Promises: standard output and error are read all the time, so the scanner never blocks on a full
pipe; what is kept of them is bounded; TERM is followed by KILL for the whole group; when this
process is killed, the kernel kills the scanner. Lowest CPU and idle I/O priority. No shell.

Security: a fixed environment; the argument list is passed as it is.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from schemas.records import Struct
from stages.runtime.worker_main import lower_limit
from stages.scanners import launch
from stages.scanners.captured_output import CapturedOutput, Line

_TERM_PATIENCE_S = 10.0
_CHECK_EVERY_S = 0.5
_DEEPEST = 100


class ChildLimits(Struct, frozen=True):
    time_s: float
    output_bytes: int
    """The files in its directory and its standard output and error, together."""
    file_bytes: int | None = None
    """The longest file that it may write anywhere; None: as `output_bytes`."""


class OutputWait(Protocol):
    """The part of a stage's process that a run needs: waiting for output."""

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]: ...


class RunPlace(Protocol):
    """Where and within which limits a command runs."""

    @property
    def limits(self) -> ChildLimits: ...

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


class EndedBy(Struct, frozen=True):
    """Why this process ended a scanner, and the same as a message."""

    cause: Cause
    message: str


class End(Struct, frozen=True):
    """How a scanner ended. `ended_by` is None where it ended by itself."""

    exit_code: int | None
    signal: int | None
    ended_by: EndedBy | None
    last_line: str
    """The last line of standard error, or of standard output."""

    @property
    def cause(self) -> Cause | None:
        """Why this process ended it; None where it ended by itself."""
        if self.ended_by is None:
            return None
        return self.ended_by.cause


class Child:
    """One run of a scanner in a draft directory; standard output and error go to `stdout.log` and
    `stderr.log`."""

    def __init__(
        self, process: OutputWait, draft: Path, place: RunPlace, on_line: Callable[[Line], None]
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
        """Run to the end. `started` gets the process id; `unwanted` is called twice a second for a
        reason to end it.

        Raises OSError where the program can't be started.
        """
        popen = subprocess.Popen(
            [*launch.command_prefix(), *command],
            cwd=self._place.directory or self._draft,
            env={**launch.environment(self._draft), **self._place.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._set_limits(popen.pid)
            started(popen.pid)
            return self._attend(popen, unwanted)
        finally:
            _end_and_reap(popen)

    def _set_limits(self, pid: int) -> None:
        longest_file = self._limits.file_bytes
        if longest_file is None:
            # One byte more: a file that reached its own limit is over the scan's, and that is what
            # is reported.
            longest_file = self._limits.output_bytes + 1
        with suppress(ProcessLookupError):
            lower_limit(pid, resource.RLIMIT_FSIZE, longest_file)
            lower_limit(pid, resource.RLIMIT_CORE, 0)

    def _attend(
        self, popen: "subprocess.Popen[bytes]", unwanted: Callable[[], EndedBy | None]
    ) -> End:
        """Read the scanner's output until it has ended, and end it where there is a reason to."""
        out = self._captured(popen.stdout, "stdout.log", self._on_line)
        err = self._captured(popen.stderr, "stderr.log", lambda _: None)
        outputs = (out, err)
        ending = _Ending(time.monotonic() + self._limits.time_s)
        exited = os.pidfd_open(popen.pid)
        try:
            while not _has_ended(popen.pid):
                self._read_some(outputs, exited)
                self._end_if_due(popen.pid, ending, outputs, unwanted)
            # What it has left running could write faster than it is read.
            _end_and_reap(popen)
            out.drain()
            err.drain()
            # What it wrote since the last check counts, too.
            ending.reason = ending.reason or self._output_limit(outputs)
        finally:
            os.close(exited)
            out.close()
            err.close()
        return _end(popen.returncode, ending.reason, err.last_line or out.last_line)

    def _captured(
        self, pipe: IO[bytes] | None, name: str, on_line: Callable[[Line], None]
    ) -> CapturedOutput:
        return CapturedOutput(cast(BinaryIO, pipe), self._draft / name, on_line)

    def _read_some(self, outputs: Sequence[CapturedOutput], exited: int) -> None:
        """Wait for output or for the end of the scanner, and read what there is."""
        by_handle = {output.handle: output for output in outputs if not output.closed}
        for handle in self._process.wait(_CHECK_EVERY_S, [*by_handle, exited]):
            if handle in by_handle:
                by_handle[handle].read()

    def _end_if_due(
        self,
        pid: int,
        ending: "_Ending",
        outputs: Sequence[CapturedOutput],
        unwanted: Callable[[], EndedBy | None],
    ) -> None:
        """TERM once there is a reason, KILL for what is still there some seconds later."""
        now = time.monotonic()
        if ending.reason:
            if now >= ending.kill_at:
                end_group(pid, signal.SIGKILL)
            return
        if now < ending.next_check:
            return
        ending.next_check = now + _CHECK_EVERY_S
        ending.reason = (
            self._time_limit(now, ending.deadline) or self._output_limit(outputs) or unwanted()
        )
        if ending.reason:
            ending.kill_at = now + _TERM_PATIENCE_S
            end_group(pid, signal.SIGTERM)

    def _time_limit(self, now: float, deadline: float) -> EndedBy | None:
        if now < deadline:
            return None
        message = f"took longer than its limit of {self._limits.time_s:.0f} s"
        return EndedBy(Cause.TIME_LIMIT, message)

    def _output_limit(self, outputs: Sequence[CapturedOutput]) -> EndedBy | None:
        """Whether files and streams together are over the limit."""
        dropped = sum(output.dropped for output in outputs)
        if _size(self._draft) + dropped <= self._limits.output_bytes:
            return None
        message = f"wrote more than its limit of {self._limits.output_bytes >> 20} MiB"
        return EndedBy(Cause.OUTPUT_LIMIT, message)


class _Ending(Struct):
    deadline: float
    reason: EndedBy | None = None
    kill_at: float = 0.0
    next_check: float = 0.0


def _end(returncode: int, reason: EndedBy | None, last_line: str) -> End:
    """A negative return code is that of a signal."""
    if returncode < 0:
        return End(None, -returncode, reason, last_line)
    return End(returncode, None, reason, last_line)


def _has_ended(pid: int) -> bool:
    """Whether a child has ended; it is not reaped."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_and_reap(popen: "subprocess.Popen[bytes]") -> None:
    """End a child and its process group, in this order: the group of a child that was reaped may be
    that of another process.
    """
    if popen.returncode is None:
        end_group(popen.pid, signal.SIGKILL)
        popen.wait()


def end_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a whole process group; a group that is gone is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _size(directory: Path) -> int:
    """The apparent sizes of all files. A tree deeper than any scanner makes counts as endless."""
    total = 0
    left = [(str(directory), 0)]
    while left:
        place, depth = left.pop()
        if depth > _DEEPEST:
            return sys.maxsize
        file_bytes, directories = _contents(place)
        total += file_bytes
        left += [(path, depth + 1) for path in directories]
    return total


def _contents(directory: str) -> tuple[int, list[str]]:
    """The bytes of the files in a directory, and its directories; nothing if it is gone."""
    file_bytes = 0
    directories = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.path)
            else:
                file_bytes += _bytes_of(entry)
    return file_bytes, directories


def _bytes_of(entry: "os.DirEntry[str]") -> int:
    """0 for a file that is gone."""
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
