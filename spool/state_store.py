"""A stage's own state, under `state/STAGE/`: small files that may be lost.

Five kinds: named records (last due times, detection), attempts (written before work on an id
starts, so that work which kills its worker is recognized after the crash), damage (an upstream
entry that this stage could not read; its owner reads this and moves it to quarantine), upstream
entries of a later version, which stay pending, and those that can't be read, which are set aside.
"""

from contextlib import AbstractContextManager, suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from schemas import codec
from schemas.records import Record
from spool import durable, reading
from spool.directory import Directory
from spool.errors import EntryError, SpoolError, StorageError
from spool.layout import LOCK, Stage

T = TypeVar("T")
_DAMAGED, _NEWER, _UNREADABLE = ".damaged", ".newer", ".unreadable"
_ATTEMPTS = ".attempts"
_MAX_NOTE_BYTES = 16 * 1024 * 1024
# Other stages read the marks of this one: what they hold then is bounded.
_MOST_MARKS, _LONGEST_REASON = 1000, 4096


class Attempts(Record, frozen=True, kw_only=True):
    """How often work on an id was started and did not end."""

    attempts: int


class StateStore:
    """The state of one stage. Only that stage writes it."""

    def __init__(self, root: Path, stage: Stage) -> None:
        self.path = root / "state" / stage
        self._directory = Directory(self.path)

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        return self._directory.names()

    def read(self, name: str, record: type[T]) -> T | None:
        """A named record; None if there is none, or if it can't be read (state may be lost)."""
        try:
            with self._opened() as handle:
                return codec.decode(
                    reading.read_plain(handle, name, self.path, _MAX_NOTE_BYTES), record
                )
        except (SpoolError, codec.SchemaError):
            return None

    def write(self, name: str, record: object) -> None:
        with self._opened() as handle:
            durable.write(handle, name, codec.encode(record), replace=True)

    def forget(self, name: str) -> None:
        with self._opened() as handle:
            durable.remove(handle, name)

    def start_attempt(self, entry_id: str) -> int:
        """Record an attempt; returns the number of earlier ones that did not end."""
        before = self.read(_attempt(entry_id), Attempts) or Attempts(attempts=0)
        earlier = before.attempts
        self.write(_attempt(entry_id), Attempts(attempts=earlier + 1))
        return earlier

    def end(self, entry_id: str) -> None:
        """The work on this id has ended, with any outcome: forget its attempts."""
        self.forget(_attempt(entry_id))

    def attempted(self) -> list[str]:
        """The ids of work that was started and did not end."""
        names = self.names()
        return [name.removesuffix(_ATTEMPTS) for name in names if name.endswith(_ATTEMPTS)]

    def mark_damaged(self, name: str, reason: str) -> None:
        """An upstream entry can't be read; its owner reads this mark."""
        self._mark(f"{name}{_DAMAGED}", reason)

    def unmark_damaged(self, name: str) -> None:
        self.forget(f"{name}{_DAMAGED}")

    def damaged_names(self) -> list[str]:
        """The names of upstream entries found damaged, without reading why."""
        return self._named(_DAMAGED)

    def damaged(self) -> dict[str, str]:
        """Names of upstream entries found damaged, each with the reason."""
        return self._marked(_DAMAGED)

    def mark_newer(self, name: str, reason: str) -> None:
        """An upstream entry was written by a later version; `status` shows it."""
        self._mark(f"{name}{_NEWER}", reason)

    def newer(self) -> dict[str, str]:
        """Names of upstream entries of a later version, each with the reason."""
        return self._marked(_NEWER)

    def mark_unreadable(self, name: str, reason: str) -> None:
        """An upstream entry can't be read, which may pass; `status` shows it."""
        self._mark(f"{name}{_UNREADABLE}", reason)

    def unmark_unreadable(self, name: str) -> None:
        self.forget(f"{name}{_UNREADABLE}")

    def unreadable(self) -> dict[str, str]:
        """Names of upstream entries that are set aside, each with the reason."""
        return self._marked(_UNREADABLE)

    def forget_not_read(self) -> None:
        """Forget what could not be read. For the stage, at its start: this version may know a
        format that the one before did not, and the rest is tried anew.
        """
        for name in self.names():
            if name.endswith((_NEWER, _UNREADABLE)):
                self.forget(name)

    def sweep(self) -> None:
        """Remove what a crash left half written. For the stage, at its start."""
        self._directory.sweep(keep=(LOCK,))

    def _mark(self, name: str, reason: str) -> None:
        with self._opened() as handle:
            durable.write(handle, name, f"{reason}\n".encode(), replace=True)

    def _named(self, suffix: str) -> list[str]:
        """The names of entries that have a mark of this kind: some of very many."""
        named = (name.removesuffix(suffix) for name in self.names() if name.endswith(suffix))
        return list(islice(named, _MOST_MARKS))

    def _marked(self, suffix: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in self._named(suffix):
            with suppress(EntryError, StorageError), self._opened() as handle:
                text = reading.read_start(handle, f"{name}{suffix}", self.path, _LONGEST_REASON)
                found[name] = text.decode("utf-8", "replace").strip()
        return found

    def close(self) -> None:
        self._directory.close()

    def _opened(self) -> AbstractContextManager[int]:
        return self._directory.opened("can't be written")


def _attempt(entry_id: str) -> str:
    return f"{entry_id}{_ATTEMPTS}"
