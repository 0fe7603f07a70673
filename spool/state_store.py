"""A stage's notes to itself, under `state/STAGE/`: small files that may be lost.

Three kinds: named notes (last due times, detection), attempts (an id is marked before work on it begins, so that
work which kills its worker is known after the crash), and damage (an upstream entry that this stage could not read:
its owner looks here and takes it to quarantine).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from schemas import codec
from schemas.records import Record
from spool import durable, reading
from spool.errors import EntryDamagedError, EntryMissingError, StorageError
from spool.layout import Stage, is_hidden

T = TypeVar("T")
_MAX_NOTE_BYTES = 16 * 1024 * 1024


class Attempts(Record, frozen=True, kw_only=True):
    """How often work on an id was started and did not end."""

    attempts: int


class StateStore:
    """The notes of one stage. Only that stage writes them."""

    def __init__(self, root: Path, stage: Stage) -> None:
        self.path = root / "state" / stage

    def read(self, name: str, record: type[T]) -> T | None:
        """A named note; None where there is none, or where it can't be read (it is only a note)."""
        try:
            with self._directory() as handle:
                return codec.decode(
                    reading.read_plain(handle, name, self.path / name, _MAX_NOTE_BYTES), record
                )
        except (EntryMissingError, EntryDamagedError, StorageError, codec.SchemaError):
            return None

    def write(self, name: str, record: object) -> None:
        with self._directory() as handle:
            durable.write(handle, name, codec.encode(record), replace=True)

    def forget(self, name: str) -> None:
        with self._directory() as handle:
            durable.remove(handle, name)

    def start_attempt(self, entry_id: str) -> int:
        """Mark the id as begun; how often it was begun before without an end."""
        before = self.read(_attempt(entry_id), Attempts)
        earlier = before.attempts if before else 0
        self.write(_attempt(entry_id), Attempts(attempts=earlier + 1))
        return earlier

    def end(self, entry_id: str) -> None:
        """The id came to its end, good or bad: take its mark away."""
        self.forget(_attempt(entry_id))

    def mark_damaged(self, name: str, reason: str) -> None:
        with self._directory() as handle:
            durable.write(handle, f"{name}.damaged", f"{reason}\n".encode(), replace=True)

    def damaged(self) -> dict[str, str]:
        """Names of upstream entries found damaged, each with the reason."""
        found: dict[str, str] = {}
        with self._directory() as handle:
            for name in os.listdir(handle):
                if name.endswith(".damaged") and not is_hidden(name):
                    with suppress(EntryMissingError, EntryDamagedError, StorageError):
                        text = reading.read_plain(handle, name, self.path / name, 64 * 1024)
                        found[name.removesuffix(".damaged")] = text.decode(
                            "utf-8", "replace"
                        ).strip()
        return found

    def unmark_damaged(self, name: str) -> None:
        self.forget(f"{name}.damaged")

    @contextmanager
    def _directory(self) -> Iterator[int]:
        try:
            handle = durable.open_directory(self.path)
        except OSError as error:
            raise StorageError("can't be opened", self.path, error) from error
        try:
            yield handle
        except OSError as error:
            raise StorageError("can't be written", self.path, error) from error
        finally:
            os.close(handle)


def _attempt(entry_id: str) -> str:
    return f"{entry_id}.attempts"
