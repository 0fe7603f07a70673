"""Content files in the spool: `content/added` of the operator, `content/server` of the trigger
stage.

    content/server/debian12-3fa94c12b7d0/ssg-debian12-ds.xml
                                         record

Promises: as for every entry: a directory appears by one rename, complete, and never changes; one
writer for each place. What is being written lies in a dot directory.

Diagnostics: StorageError where the disk fails; what is damaged is left out of the list, with its
reason.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from schemas import codec
from schemas.content import StoredContent
from schemas.records import Struct
from spool import durable, frame, layout, reading
from spool.directory import Directory
from spool.errors import (
    EntryDamagedError,
    EntryMissingError,
    SpoolError,
    read_error,
)

ContentPlace = Literal["added", "server"]
RECORD = "record"
_KIND = "content"
_MAX_RECORD_BYTES = 64 * 1024
_MAX_FILE_BYTES = 1 << 30
_ENTRY = re.compile(r"[a-zA-Z0-9_-]{1,64}-[0-9a-f]{12}")
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")


class ContentEntry(Struct, frozen=True):
    """One content file with its record."""

    name: str
    path: Path
    """Of the content file."""
    record: StoredContent


class ContentStore:
    """The content files of one place."""

    def __init__(self, root: Path, place: ContentPlace) -> None:
        self.path = root / "content" / place
        self._directory = Directory(self.path)

    def entries(self) -> list[ContentEntry]:
        """The readable ones, sorted by name."""
        found: list[ContentEntry] = []
        for name in self.names():
            with suppress(SpoolError):
                found.append(self._read(name))
        return found

    def problems(self) -> Iterator[str]:
        """Why the others can't be used, each with its path and what to do."""
        for name in self.names():
            try:
                self._read(name)
            except EntryDamagedError as error:
                yield f"{error}: remove {self.path / name} (rm -r), and add or fetch it again"
            except SpoolError as error:
                yield str(error)

    def check(self, name: str) -> bool:
        """Read an entry to its last byte; whether `name` is that of an entry. Raises EntryError,
        StorageError.
        """
        if not _ENTRY.fullmatch(name):
            return False
        record = self._read(name).record
        with self._opened(name) as inner:
            path = self.path / name
            with reading.open_plain(inner, record.file, path) as stream:
                if os.fstat(stream.fileno()).st_size > _MAX_FILE_BYTES:
                    raise EntryDamagedError(f"{path / record.file}: is longer than any content")
                try:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                except OSError as error:
                    raise read_error(path / record.file, error) from error
        if digest != record.sha256:
            raise EntryDamagedError(f"{path / record.file}: its SHA-256 is not the recorded one")
        return True

    def draft(self, name: str) -> Path:
        """A directory to write into, which is there or is made; only `publish` looks into it."""
        with self._directory.opened("can't be written") as handle:
            hidden = _draft_name(name)
            with suppress(FileExistsError):
                os.mkdir(hidden, durable.DIRECTORY_MODE, dir_fd=handle)
        return self.path / hidden

    def publish(self, draft: str, record: StoredContent) -> ContentEntry:
        """Make the content file of a draft an entry. Raises StorageError."""
        product = _NOT_IN_A_NAME.sub("", record.product)[:64] or "content"
        name = f"{product}-{record.sha256[:12]}"
        with self._directory.opened("can't be written") as handle:
            inner = durable.open_directory(_draft_name(draft), handle)
            try:
                for other in durable.names(inner):
                    if other != record.file:
                        durable.remove(inner, other)
                os.chmod(record.file, durable.FILE_MODE, dir_fd=inner)
                durable.write(inner, RECORD, frame.seal(_KIND, codec.encode(record)))
            finally:
                os.close(inner)
            durable.remove(handle, name)
            durable.publish_directory(handle, _draft_name(draft), name)
        return ContentEntry(name, self.path / name / record.file, record)

    def remove(self, name: str) -> None:
        """Remove an entry, whole or damaged. Raises StorageError."""
        with self._directory.opened("can't be written") as handle:
            durable.remove(handle, name)

    def close(self) -> None:
        self._directory.close()

    def discard(self, draft: str) -> None:
        self.remove(_draft_name(draft))

    def drafts(self) -> list[str]:
        """The names of the drafts that are there."""
        with self._directory.opened("can't be listed") as handle:
            return [
                name.removeprefix(".").removesuffix(".draft")
                for name in durable.names(handle)
                if layout.is_hidden(name) and name.endswith(".draft")
            ]

    def names(self) -> list[str]:
        """All visible names, sorted; none where there is no such place."""
        if not self.path.is_dir():
            return []
        return self._directory.names()

    def _read(self, name: str) -> ContentEntry:
        """Raises EntryError, StorageError."""
        path = self.path / name
        if not _ENTRY.fullmatch(name):
            raise EntryDamagedError(f"{path}: is not an entry of this directory")
        with self._opened(name) as inner:
            sealed = reading.read_plain(inner, RECORD, path, _MAX_RECORD_BYTES)
        with reading.naming(path / RECORD):
            record = codec.decode(frame.unseal(_KIND, sealed), StoredContent)
        return ContentEntry(name, path / record.file, record)

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """The directory of an entry. Raises EntryDamagedError, StorageError."""
        with self._directory.opened("can't be read") as handle:
            try:
                inner = durable.open_directory(name, handle)
            except OSError as error:
                raise EntryDamagedError(
                    f"{self.path / name}: can't be opened: {error.strerror}"
                ) from error
            try:
                yield inner
            except EntryMissingError as error:
                # It appears whole, so this file was taken out of it.
                raise EntryDamagedError(str(error)) from error
            finally:
                os.close(inner)


def _draft_name(name: str) -> str:
    return f".{name}.draft"
