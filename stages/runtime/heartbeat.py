"""A stage's heartbeat: the file `STAGE.heartbeat`, touched while the main loop turns.

It distinguishes a stage that works from one that hangs. It holds the process id, and in a second
line the trouble that keeps the stage from working; its modification time is when the stage last
worked. Losing it costs no more than that information. It is not in the spool: a disk that fails
takes no such note.

Security: other stages can write in the directory, so a symlink is never followed.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from schemas.records import Record
from spool.layout import Stage

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_BYTES = 4096
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LastHeartbeat(Record, frozen=True, kw_only=True):
    """When a stage last worked, and its process."""

    pid: int
    at: datetime
    trouble: str | None = None
    """Why the stage can't work now."""


class Heartbeat:
    """The heartbeat of this process. Its file stays open: a stage that is out of file handles must
    be able to note that.
    """

    def __init__(self, runtime: Path, stage: Stage) -> None:
        self._handle: int | None = None
        path = _path(runtime, stage)
        with suppress(OSError):
            path.unlink(missing_ok=True)
            self._handle = os.open(path, _NEW, 0o644)
        self.note(None)

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def note(self, trouble: str | None) -> None:
        """Keep why the stage can't work now; None where it can."""
        if self._handle is None:
            return
        text = f"{os.getpid()}\n{trouble or ''}\n".encode("utf-8", "replace")[:_MAX_BYTES]
        with suppress(OSError):
            os.pwrite(self._handle, text, 0)
            os.ftruncate(self._handle, len(text))

    def touch(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                os.utime(self._handle)


def read_heartbeat(runtime: Path, stage: Stage) -> LastHeartbeat | None:
    """When the stage last worked; None where that is not known."""
    try:
        # By an opener: `fdopen` would leave the handle of a directory open.
        with open(_path(runtime, stage), "rb", opener=_open_to_read) as stream:
            at = datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, UTC)
            pid, _, trouble = stream.read(_MAX_BYTES).partition(b"\n")
            text = trouble.decode("utf-8", "replace").strip() or None
            return LastHeartbeat(pid=int(pid), at=at, trouble=text)
    except (OSError, ValueError):
        return None


def _open_to_read(path: str, flags: int) -> int:
    return os.open(path, flags | _READ)


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
