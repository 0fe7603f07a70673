"""The archive of a fleet: the scans of many hosts, byte for byte, wherever fsspec reaches.

    host=web1-3f9c2a17/month=2026-11/20261123T060301Z-openscap-3f9c2a17/manifest, arf.xml.zst, …
    index/web1-3f9c2a17.json                       the host, and length and digest of its files
    damaged/web1-3f9c2a17/SCAN-ID/                 a damaged scan, with `reason`
    reports/host=web1-3f9c2a17/month=2026-11/SCAN-ID.report    made by `fleet parse`
    receipts/SERVER/host=…/SCAN-ID.receipt         answers to `fleet deliver`
    tables/scans|results|evidence/month=2026-11/PART.parquet   (`fleet parse`)

Promises: a scan is in the archive when the index of its host has it; its files were written before.
Files of a scan never change; a scan that is added again with further files (its receipt) is
completed, and one whose files were damaged here gets them back. An archive has one writer at a
time; on a local disk a lock ensures that.

Diagnostics: CommandError for a place that can't be reached or is not an archive.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from schemas import codec
from schemas.archive import ArchivedFile, ArchivedHost, ArchivedScan
from schemas.ids import ScanId
from schemas.records import Record, Struct
from spool import raw_bundle
from spool.errors import SpoolBusyError, StorageError
from spool.lock import Lock
from stages.runtime.command_error import CommandError

_INDEX, _DAMAGED = "index", "damaged"
_READ_AT_ONCE = 500


class HostIndex(Record, frozen=True, kw_only=True):
    """One host, and the scans that the archive has of it, oldest first."""

    host: ArchivedHost
    scans: tuple[ArchivedScan, ...] = ()
    repairs: tuple[ScanId, ...] = ()
    """A scan for each time that damaged files of it were replaced: it has to be parsed again."""


class Damaged(Struct, frozen=True):
    """A scan that was set aside."""

    host: str
    scan_id: str
    reason: str


def month_of(scan_id: ScanId) -> str:
    """`2026-11`, from an id that begins with the day of its request."""
    return f"{scan_id[:4]}-{scan_id[4:6]}"


class Archive:
    """One archive, by its path or URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise CommandError(f"{url}: can't be reached: {error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer of an archive on a local disk. Raises CommandError."""
        if not isinstance(self.files, LocalFileSystem):
            # An object store has no lock that ends with its process.
            yield
            return
        self.files.makedirs(self._root, exist_ok=True)
        lock = Lock(Path(self.path(".lock")))
        try:
            lock.acquire("command for this archive")
        except SpoolBusyError as error:
            raise CommandError(
                f"{self.url}: another command is writing to this archive: "
                "repeat this one when that has ended"
            ) from error
        except StorageError as error:
            raise CommandError(str(error)) from error
        try:
            yield
        finally:
            lock.release()

    def check_hosts(self) -> None:
        """Raises CommandError where there is no archive, for example at a mistyped path."""
        if not self.list(_INDEX):
            raise CommandError(
                f"{self.url}: has no hosts: compliance-agent fleet add {self.url} BUNDLE"
            )

    def hosts(self) -> list[str]:
        """The keys of all hosts, sorted."""
        names = [path.rpartition("/")[2] for path in self.list(_INDEX)]
        return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def index(self, host: str) -> HostIndex | None:
        """None for a host that the archive does not have. Raises CommandError."""
        path = f"{_INDEX}/{host}.json"
        try:
            return self._decoded(path, self.read(path))
        except FileNotFoundError:
            return None

    def indexes(self) -> Iterator[HostIndex]:
        """The indexes of all hosts, sorted by key. Raises CommandError."""
        names = [f"{_INDEX}/{host}.json" for host in self.hosts()]
        for name, content in self.read_many(names):
            yield self._decoded(name, content)

    def _decoded(self, name: str, content: bytes) -> HostIndex:
        try:
            return codec.decode(content, HostIndex)
        except codec.SchemaError as error:
            raise CommandError(f"{self.path(name)}: {error}") from error

    def write_index(self, index: HostIndex) -> None:
        """Write the index of a host, after the files that it lists have reached the disk."""
        if isinstance(self.files, LocalFileSystem):
            os.sync()
        scans = tuple(sorted(index.scans, key=lambda scan: scan.scan_id))
        ordered = codec.replace(index, scans=scans)
        self.write(f"{_INDEX}/{index.host.key}.json", codec.encode(ordered))

    def scan_directory(self, host: str, scan_id: ScanId) -> str:
        return f"host={host}/month={month_of(scan_id)}/{scan_id}"

    def open_file(self, host: str, scan_id: ScanId, file: ArchivedFile) -> IO[bytes]:
        stream: IO[bytes] = self.files.open(
            self.path(f"{self.scan_directory(host, scan_id)}/{file.name}"), "rb"
        )
        return stream

    def is_whole(self, host: str, scan_id: ScanId, file: ArchivedFile) -> bool:
        """Whether a file is still the one that the index lists."""
        try:
            with self.open_file(host, scan_id, file) as stream:
                return raw_bundle.described(file.name, stream) == file
        except FileNotFoundError:
            return False

    def damaged(self) -> Iterator[Damaged]:
        """The scans that were set aside, with the reasons."""
        for host_path in self.list(_DAMAGED):
            host = host_path.rpartition("/")[2]
            for scan_path in self.list(f"{_DAMAGED}/{host}"):
                scan_id = scan_path.rpartition("/")[2]
                reason = self.read(f"{_DAMAGED}/{host}/{scan_id}/reason").decode("utf-8", "replace")
                yield Damaged(host, scan_id, reason.strip())

    def damaged_directory(self, host: str, scan_id: str) -> str:
        return f"{_DAMAGED}/{host}/{scan_id}"

    def path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def list(self, name: str) -> list[str]:
        """The paths in a directory, sorted; empty where there is no directory."""
        try:
            found: list[str] = self.files.ls(self.path(name), detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(found)

    def find(self, name: str) -> set[str]:
        """The paths of all files below a directory."""
        return set(self.files.find(self.path(name)))

    def has(self, name: str) -> bool:
        return bool(self.files.exists(self.path(name)))

    def read(self, name: str) -> bytes:
        content: bytes = self.files.cat_file(self.path(name))
        return content

    def read_many(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Names and contents of files; an object store answers for many of them at once."""
        for at in range(0, len(names), _READ_AT_ONCE):
            batch = names[at : at + _READ_AT_ONCE]
            paths = list(map(self.path, batch))
            # Without a start and an end: whole files.
            contents = self.files.cat_ranges(paths, None, None, on_error="raise")
            yield from zip(batch, contents, strict=True)

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it appears whole; it replaces an older one."""
        path = self.path(name)
        if not isinstance(self.files, LocalFileSystem):
            # An upload to an object store appears whole.
            self.files.pipe_file(path, content)
            return
        # Not by fsspec, which needs as long for a small file as a small entry takes to read.
        target = Path(path)
        draft = target.with_name(f".{target.name}.tmp")
        try:
            draft.write_bytes(content)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
        draft.replace(target)

    def upload(self, source: str, name: str) -> None:
        """Copy a local file into the archive."""
        path = self.path(name)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.files.put_file(source, path)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            self.files.rm_file(self.path(name))
        except FileNotFoundError:
            return
