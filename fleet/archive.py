"""The archive of a fleet: the scans of many hosts, byte for byte, wherever fsspec reaches.

    host=web1-3f9c2a17/month=2026-11/20261123T060301Z-openscap-3f9c2a17/manifest, arf.xml.zst, …
    index/web1-3f9c2a17.json                       the host, and length and digest of its files
    damaged/web1-3f9c2a17/SCAN-ID/                 what could not be taken in, with `reason`
    reports/host=web1-3f9c2a17/month=2026-11/SCAN-ID.report    as parsed here (`fleet parse`)
    receipts/SERVER/host=…/SCAN-ID.receipt         what was delivered from here (`fleet deliver`)
    tables/scans|results|evidence/month=2026-11/PART.parquet   (`fleet parse`)

Promises: a scan is in the archive when the index of its host has it; its files were written before.
Files of a scan never change: a scan that comes again with more of them (its receipt) is completed.
There is one writer of an archive at a time.

Diagnostics: FleetError for a place that can't be reached or is not an archive.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from fleet.errors import FleetError
from schemas import codec
from schemas.archive import ArchivedFile, ArchivedHost, ArchivedScan
from schemas.ids import ScanId
from schemas.records import Record

_INDEX, _DAMAGED = "index", "damaged"


class HostIndex(Record, frozen=True, kw_only=True):
    """One host, and the scans that the archive has of it, oldest first."""

    host: ArchivedHost
    scans: tuple[ArchivedScan, ...] = ()


@dataclass(frozen=True)
class Damaged:
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
            raise FleetError(f"{url}: can't be reached: {error}") from error

    def hosts(self) -> list[str]:
        """The keys of all hosts, sorted."""
        names = [path.rpartition("/")[2] for path in self.list(_INDEX)]
        return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def index(self, host: str) -> HostIndex | None:
        """None for a host that the archive does not have. Raises FleetError."""
        path = f"{_INDEX}/{host}.json"
        if not self.has(path):
            return None
        try:
            return codec.decode(self.read(path), HostIndex)
        except codec.SchemaError as error:
            raise FleetError(f"{self.path(path)}: {error}") from error

    def write_index(self, index: HostIndex) -> None:
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
        """What lies in a directory, sorted; nothing where there is none."""
        try:
            found: list[str] = self.files.ls(self.path(name), detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(found)

    def has(self, name: str) -> bool:
        return bool(self.files.exists(self.path(name)))

    def read(self, name: str) -> bytes:
        content: bytes = self.files.cat_file(self.path(name))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Make a file appear whole, in the place of one that was there."""
        path = self.path(name)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if not isinstance(self.files, LocalFileSystem):
            # What is uploaded appears whole.
            self.files.pipe_file(path, content)
            return
        draft = f"{path.rpartition('/')[0]}/.{path.rpartition('/')[2]}.tmp"
        self.files.pipe_file(draft, content)
        self.files.mv(draft, path)

    def upload(self, source: str, name: str) -> None:
        """Copy a local file into the archive."""
        path = self.path(name)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.files.put_file(source, path)

    def remove(self, name: str) -> None:
        """Remove a file; nothing where it is gone."""
        try:
            self.files.rm_file(self.path(name))
        except FileNotFoundError:
            return
