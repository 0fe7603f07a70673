"""The raw box: entries are directories, with a manifest and the scanner's output, compressed.

    raw/20261123T060301Z-openscap-3f9c2a17/manifest
                                           arf.xml.zst
                                           results.xml.zst

Promises: as `spool.outbox`; a directory appears by one rename, complete. What a scanner is still
writing lies in a dot directory, which the owner sweeps after a crash.
"""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from schemas import codec
from schemas.ids import ScanId, is_scan_id
from schemas.manifest import Manifest, RawFile, Role
from schemas.records import Struct
from spool import durable, frame, layout, packing, reading
from spool.directory import mark_of
from spool.errors import EntryDamagedError, EntryMissingError, read_error
from spool.outbox import Outbox

_CHUNK = 1024 * 1024
_YEARS = (1970, 9998)
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")


class Output(Struct, frozen=True):
    """A file that a scanner left in the draft directory."""

    role: Role
    name: str


class RawBox(Outbox):
    """The outbox of the scan stage."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "raw")
        self.alive: Callable[[], None] = lambda: None
        """Called now and then during work on long files."""

    def scan_ids(self) -> list[ScanId]:
        return [ScanId(name) for name in self.names() if is_scan_id(name)]

    def name(self, scan_id: ScanId) -> str:
        return scan_id

    def check(self, name: str) -> bool:
        if not is_scan_id(name):
            return False
        manifest = self.manifest(ScanId(name))
        for file in manifest.files:
            self.open_file(manifest.scan_id, file).close()
        return True

    def quarantined_scans(self) -> list[ScanId]:
        """The scans whose entry was found damaged."""
        kept = (layout.split_archived_name(name) for name in self.quarantined())
        return [ScanId(parts[0]) for parts in kept if parts and is_scan_id(parts[0])]

    def draft(self, scan_id: ScanId) -> Path:
        """A fresh private directory for a scanner to write into, where only `publish` will look.

        Raises QuotaError where the box could not take the entry: before the scan, which takes
        minutes.
        """
        self._directory.check_quota()
        name = f".{scan_id}.draft"
        with self.directory("can't be written") as handle:
            durable.remove(handle, name)
            os.mkdir(name, durable.DIRECTORY_MODE, dir_fd=handle)
        return self.path / name

    def discard(self, scan_id: ScanId) -> None:
        self.remove(f".{scan_id}.draft")

    def publish(self, manifest: Manifest, outputs: tuple[Output, ...] = ()) -> Manifest:
        """Compress the outputs of the draft, seal the manifest, make the entry appear. Returns the
        manifest.
        """
        draft = f".{manifest.scan_id}.draft"
        self._directory.check_quota()
        with self.directory("can't be written") as parent:
            if not durable.exists(parent, draft):
                os.mkdir(draft, durable.DIRECTORY_MODE, dir_fd=parent)
            directory = durable.open_directory(draft, parent)
            try:
                files = tuple(self._pack(directory, output) for output in outputs)
                manifest = codec.replace(manifest, files=files)
                # The uncompressed outputs, and whatever else the scanner left, are not part of the
                # entry.
                for name in durable.names(directory):
                    if name not in {file.name for file in files}:
                        durable.remove(directory, name)
                sealed = frame.seal(layout.MANIFEST, codec.encode(manifest))
                durable.write(directory, layout.MANIFEST, sealed)
            finally:
                os.close(directory)
            before = mark_of(parent)
            durable.publish_directory(parent, draft, manifest.scan_id)
            self._directory.added(parent, manifest.scan_id, before)
        return manifest

    def manifest(self, scan_id: ScanId) -> Manifest:
        """Raises EntryMissingError, EntryDamagedError, StorageError."""
        where = self.path / scan_id / layout.MANIFEST
        with self._entry(scan_id) as directory:
            try:
                sealed = reading.read_plain(
                    directory, layout.MANIFEST, where.parent, frame.MAX_ENTRY_BYTES
                )
            except EntryMissingError as error:
                raise EntryDamagedError(f"{where}: is missing") from error
        with reading.naming(where):
            manifest = codec.decode(frame.unseal(layout.MANIFEST, sealed), Manifest)
        if manifest.scan_id != scan_id:
            raise EntryDamagedError(f"{where}: is the manifest of {manifest.scan_id[:80]!r}")
        for at in (manifest.started_at, manifest.completed_at):
            # Near both ends of what a date can be, the next one to count with it would fail.
            if not _YEARS[0] <= at.year <= _YEARS[1]:
                raise EntryDamagedError(
                    f"{where}: {at.isoformat()} is not a possible time of a scan"
                )
        return manifest

    def open_file(self, scan_id: ScanId, file: RawFile) -> BinaryIO:
        """The uncompressed content of a file, after its stored bytes were found to be those of the
        manifest.
        """
        if not _FILE_NAME.fullmatch(file.name):
            raise EntryDamagedError(
                f"{self.path / scan_id}: {file.name[:80]!r} is not a valid name for a raw file"
            )
        where = self.path / scan_id / file.name
        with self._entry(scan_id) as directory:
            try:
                stream = reading.open_plain(directory, file.name, where.parent)
            except EntryMissingError as error:
                raise EntryDamagedError(f"{where}: is missing") from error
            # Verified and unpacked through one handle: a file that is put at this path in between
            # is never read.
            _verify(stream, file, where, self.alive)
            return packing.unpacked(stream, file.original_bytes)

    def _pack(self, directory: int, output: Output) -> RawFile:
        name = f"{output.name}.zst"
        source = os.open(output.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        target = os.open(name, flags, durable.FILE_MODE, dir_fd=directory)
        with os.fdopen(source, "rb") as plain, os.fdopen(target, "wb") as packed:
            result = packing.pack(plain, packed, self.alive)
        return RawFile(
            role=output.role,
            name=name,
            stored_bytes=result.stored_bytes,
            stored_sha256=result.stored_sha256,
            original_bytes=result.original_bytes,
        )

    @contextmanager
    def _entry(self, scan_id: ScanId) -> Iterator[int]:
        with self.directory("can't be read") as parent:
            try:
                directory = durable.open_directory(scan_id, parent)
            except FileNotFoundError as error:
                raise EntryMissingError(f"{self.path / scan_id}: no such entry") from error
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise read_error(self.path / scan_id, error) from error
                raise EntryDamagedError(
                    f"{self.path / scan_id}: not a directory ({error.strerror})"
                ) from error
            try:
                yield directory
            finally:
                os.close(directory)


def _verify(stream: BinaryIO, file: RawFile, where: Path, alive: Callable[[], None]) -> None:
    from hashlib import sha256

    digest, length = sha256(), 0
    try:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
            alive()
        stream.seek(0)
    except OSError as error:
        raise read_error(where, error) from error
    if length != file.stored_bytes:
        raise EntryDamagedError(
            f"{where}: {length} bytes instead of the {file.stored_bytes} in its manifest"
        )
    if digest.hexdigest() != file.stored_sha256:
        raise EntryDamagedError(f"{where}: SHA-256 differs from the one in its manifest")
