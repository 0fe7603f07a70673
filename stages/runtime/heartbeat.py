"""A stage's heartbeat: the file `STAGE.heartbeat`, touched while the main loop turns.

It distinguishes a stage that works from one that hangs. It holds the process id; its modification
time is when the stage last worked. Losing it costs no more than that information.

Security: other stages can write in the directory, so a symlink is never followed.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from schemas.records import Record
from spool.layout import Stage

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LastHeartbeat(Record, frozen=True, kw_only=True):
    """When a stage last worked, and its process."""

    pid: int
    at: datetime


class Heartbeat:
    """The heartbeat of this process."""

    def __init__(self, runtime: Path, stage: Stage) -> None:
        self._path = _path(runtime, stage)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            handle = os.open(self._path, _NEW, 0o644)
            with os.fdopen(handle, "w") as stream:
                stream.write(f"{os.getpid()}\n")

    def touch(self) -> None:
        with suppress(OSError):
            os.utime(self._path, follow_symlinks=False)


def read_heartbeat(runtime: Path, stage: Stage) -> LastHeartbeat | None:
    """When the stage last worked; None where that is not known."""
    try:
        handle = os.open(_path(runtime, stage), _READ)
        with os.fdopen(handle, "rb") as stream:
            at = datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)
            return LastHeartbeat(pid=int(stream.read(20)), at=at)
    except (OSError, ValueError):
        return None


def is_suspended(pid: int) -> bool:
    """Whether a process is stopped by a signal (proc(5): state T)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        # The program's name in parentheses may hold anything, so the fields are counted behind it.
        state = status.rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("T", "t")


def _path(runtime: Path, stage: Stage) -> Path:
    return runtime / f"{stage}.heartbeat"
