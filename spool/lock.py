"""One flock per stage: a second instance exits soon and names the first.

The kernel drops the lock with its process, so nothing is left behind by a crash or a power cut.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spool.errors import SpoolBusyError, StorageError

_PATIENCE_S = 0.25
_PAUSE_S = 0.005


class Lock:
    """Held from `acquire` until the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._locked: os.stat_result | None = None

    def acquire(self, stage: str) -> None:
        """Raises SpoolBusyError with the holder's process id."""
        try:
            # Not O_TRUNC: until the lock is held, the number in the file is the holder's.
            handle = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640
            )
        except OSError as error:
            raise StorageError("can't be opened", self._path, error) from error
        try:
            _lock(handle)
        except BlockingIOError as error:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise SpoolBusyError(
                f"{self._path}: another {stage} is running (process {holder}): stop it first, or "
                "use another spool"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle, self._locked = handle, os.fstat(handle)

    def is_current(self) -> bool:
        """Whether the locked file is still at its path. If not, another instance can lock a new
        one there.
        """
        if self._locked is None:
            return False
        try:
            there = self._path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise StorageError("can't be checked", self._path, error) from error
        # The number of an open file is not given to another one.
        return os.path.samestat(there, self._locked)

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = self._locked = None


def _lock(handle: int) -> None:
    """Raises BlockingIOError where another instance holds the lock.

    Whoever asks whether the stage runs (`is_held`) holds it for a moment, too. That must not end a
    stage that starts just then: no service manager starts it again after that exit code.
    """
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Wait until no other process is in here with this directory: for commands, several of which
    may write the same name. Raises OSError where it can't be opened.
    """
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # A network file system may lock no directory.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock, that is, whether the stage runs. Raises StorageError if the
    file may not be read.
    """
    try:
        # Not blocking: the owner of the state may have put a pipe there.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        raise StorageError("can't be opened", path, error) from error
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
