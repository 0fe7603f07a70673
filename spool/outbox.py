"""An outbox: a directory of entries with one writer.

Promises: an entry appears whole and never changes; reading one checks its length and digest; damage, and whatever
is no entry, never stops the reading of the rest.

Diagnostics: the errors of `spool.errors`, each naming the path.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from schemas import codec
from spool import durable, frame, layout, reading
from spool.errors import EntryDamagedError, SpoolUnusableError, StorageError
from spool.layout import Box, Kind

T = TypeVar("T")


class Outbox:
    """One box of a spool. Whoever holds the lock of its stage may write; everybody may read."""

    def __init__(self, root: Path, box: Box) -> None:
        self.box = box
        self.path = root / box
        self._root = root

    def names(self) -> list[str]:
        """All visible names, oldest first: entries, and whatever else lies there."""
        with self.directory("can't be listed") as handle:
            return sorted(name for name in os.listdir(handle) if not layout.is_hidden(name))

    def ids(self, kind: Kind) -> list[str]:
        """The ids that have an entry of this kind, oldest first."""
        parsed = (layout.parse_name(name) for name in self.names())
        return [entry[0] for entry in parsed if entry and entry[1] == kind]

    def read(self, entry_id: str, kind: Kind, record: type[T]) -> T:
        """Raises EntryMissingError, EntryDamagedError, StorageError."""
        name = layout.entry_name(entry_id, kind)
        with self.directory("can't be read") as handle:
            sealed = reading.read_plain(handle, name, self.path / name, frame.MAX_ENTRY_BYTES)
        try:
            return codec.decode(frame.unseal(kind, sealed), record)
        except (EntryDamagedError, codec.SchemaError) as error:
            raise EntryDamagedError(f"{self.path / name}: {error}") from error

    def head(self, entry_id: str, kind: Kind, size: int) -> bytes:
        """The first bytes of an entry, unchecked: a hint for whoever must not read all of many entries."""
        name = layout.entry_name(entry_id, kind)
        with (
            self.directory("can't be read") as handle,
            reading.open_plain(handle, name, self.path / name) as stream,
        ):
            return stream.read(size)

    def write(self, entry_id: str, kind: Kind, record: object) -> None:
        """Make an entry. Nothing happens where it is there already: an entry never changes."""
        name = layout.entry_name(entry_id, kind)
        sealed = frame.seal(kind, codec.encode(record))
        with self.directory("can't be written") as handle:
            if not durable.exists(handle, name):
                durable.write(handle, name, sealed)

    def has(self, name: str) -> bool:
        with self.directory("can't be read") as handle:
            return durable.exists(handle, name)

    def sweep(self) -> list[str]:
        """Remove what a crash left half written; the names are returned. For the writer, at its start."""
        with self.directory("can't be cleaned") as handle:
            left = [name for name in os.listdir(handle) if layout.is_hidden(name)]
            for name in left:
                durable.remove(handle, name)
        return left

    def remove(self, name: str) -> None:
        with self.directory("can't be removed from") as handle:
            durable.remove(handle, name)

    def archive(self, name: str, why: str) -> None:
        """Take an entry away to `history/`, under the command that asked for it."""
        self._take_away(name, layout.archived_name(name, why), self._root / "history" / self.box)

    def quarantine(self, name: str, why: str, reason: str) -> None:
        """Take a damaged entry away to `quarantine/`, with the reason beside it."""
        archive_directory = self._root / "quarantine" / self.box
        kept = layout.archived_name(name, why)
        with _opened(archive_directory, "can't be written") as handle:
            durable.write(handle, f"{kept}.reason", f"{reason}\n".encode(), replace=True)
        self._take_away(name, kept, archive_directory)

    def archived(self) -> list[str]:
        """Names in this box's history."""
        return _listing(self._root / "history" / self.box)

    def quarantined(self) -> list[str]:
        """Names in this box's quarantine, the reasons not included."""
        return [
            n for n in _listing(self._root / "quarantine" / self.box) if not n.endswith(".reason")
        ]

    def _take_away(self, name: str, kept: str, archive_directory: Path) -> None:
        with (
            self.directory("can't be moved from") as source,
            _opened(archive_directory, "can't be moved to") as target,
        ):
            if durable.exists(source, name):
                durable.move(source, name, target, kept)

    @contextmanager
    def directory(self, doing: str) -> Iterator[int]:
        """The box's directory, open; what the disk refuses is a StorageError that names box and deed."""
        with _opened(self.path, doing) as handle:
            yield handle


@contextmanager
def _opened(path: Path, doing: str) -> Iterator[int]:
    try:
        handle = durable.open_directory(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SpoolUnusableError(
            f"{path}: is no directory; make it again, or start the stage anew"
        ) from error
    except OSError as error:
        raise StorageError(doing, path, error) from error
    try:
        yield handle
    except OSError as error:
        raise StorageError(doing, path, error) from error
    finally:
        os.close(handle)


def _listing(path: Path) -> list[str]:
    with _opened(path, "can't be listed") as handle:
        return sorted(name for name in os.listdir(handle) if not layout.is_hidden(name))
