"""Raw bundles: all that a spool has of its scans, byte for byte, in one tar file.

    host.json                                   the host, and with what its reports are made
    20261123T060301Z-openscap-3f9c2a17/manifest
                                       arf.xml.zst
                                       report
                                       receipt
                                       scan.json    length and digest of each file
    …
    bundle.json                                 length and digest of every file again

Promises: `FILE` appears when it is complete. Until then it is `FILE.partial`, in which every scan
up to its `scan.json` is whole: writing goes on there after an interruption. No file of a bundle is
used before its digest has been compared; names are not used as paths.

Diagnostics: RawBundleError for whatever is not a whole bundle.
"""

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

from schemas import codec
from schemas.archive import (
    RECEIPT,
    REPORT,
    ArchivedFile,
    ArchivedHost,
    ArchivedScan,
    RawBundleEnd,
)
from schemas.ids import ScanId, is_scan_id
from schemas.records import Struct
from spool import durable
from spool.errors import SpoolError
from spool.spool import Spool

_HOST, _SCAN, _END = "host.json", "scan.json", "bundle.json"
_MAX_RECORD_BYTES = 256 * 1024 * 1024
_CHUNK = 1024 * 1024


class RawBundleError(SpoolError):
    """A file is not a raw bundle, or not the whole of one."""


T = TypeVar("T")
Opener = Callable[[str], IO[bytes]]


class FoundScan(Struct, frozen=True):
    """A scan in a bundle or a spool, and how to open its files."""

    scan: ArchivedScan
    open_file: Opener


def scans_of_spool(spool: Spool) -> Iterator[FoundScan]:
    """Every scan that has a raw entry, a report or a receipt, oldest first; digests are computed.

    A scan of which something is taken away meanwhile is left out.
    """
    scan_ids = {*spool.raw.scan_ids(), *spool.reports.ids(), *spool.receipts.ids()}
    for scan_id in sorted(scan_ids):
        with suppress(FileNotFoundError):
            yield found_in_spool(spool, scan_id)


def found_in_spool(spool: Spool, scan_id: ScanId) -> FoundScan:
    """Raises OSError."""
    paths = _paths(spool, scan_id)
    files = tuple(_described(name, path) for name, path in sorted(paths.items()))
    return FoundScan(
        ArchivedScan(scan_id=scan_id, files=files), lambda name: _open_plain(paths[name])
    )


def write(
    path: Path,
    host: ArchivedHost,
    scans: Sequence[FoundScan],
    end: Callable[[tuple[ArchivedScan, ...]], RawBundleEnd],
) -> RawBundleEnd:
    """Write a bundle, or go on with the one that was interrupted. Raises OSError, RawBundleError.

    `end` makes the record of the scans that were written.
    """
    partial = path.with_name(f"{path.name}.partial")
    with _opened_partial(partial) as stream:
        written, position = _complete_scans(stream, host, scans)
        stream.truncate(position)
        stream.seek(position)
        already = set(written)
        # "w:" writes from here on. "a:" would look for the end by itself, and refuse a file that
        # was cut in the middle of a member.
        with tarfile.open(fileobj=stream, mode="w:") as tar:
            if position == 0:
                _add_record(tar, _HOST, host)
            for found in scans:
                if found.scan not in already:
                    _add_scan(tar, found)
                    written.append(found.scan)
            finished = end(tuple(written))
            _add_record(tar, _END, finished)
    directory = durable.open_directory(path.parent)
    try:
        durable.publish_file(directory, partial.name, path.name)
    except FileExistsError as error:
        raise RawBundleError(f"{path}: exists; choose another name") from error
    finally:
        os.close(directory)
    return finished


def read(stream: BinaryIO) -> tuple[ArchivedHost, RawBundleEnd, Iterator[FoundScan]]:
    """The host, what the bundle holds, and its scans. Raises RawBundleError.

    The digests of the files are for the reader to compare.
    """
    try:
        tar = tarfile.open(fileobj=stream, mode="r:")
        members = {member.name: member for member in tar if member.isreg()}
    except (tarfile.TarError, OSError, ValueError) as error:
        raise RawBundleError(f"is not a raw bundle: {error}") from error
    if not members.keys() >= {_HOST, _END}:
        raise RawBundleError("is not a whole raw bundle: export it again")
    host = _record(tar, members[_HOST], ArchivedHost)
    end = _record(tar, members[_END], RawBundleEnd)
    return host, end, _scans(tar, members, end)


def _scans(
    tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], end: RawBundleEnd
) -> Iterator[FoundScan]:
    for scan in end.scans:
        if not is_scan_id(scan.scan_id):
            raise RawBundleError(f"lists {scan.scan_id[:80]!r}, which is not a scan id")
        for file in scan.files:
            if f"{scan.scan_id}/{file.name}" not in members:
                raise RawBundleError(f"lacks {scan.scan_id}/{file.name}")
        yield FoundScan(scan, _opener(tar, members, scan.scan_id))


def _opener(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], scan_id: ScanId) -> Opener:
    def opened(name: str) -> IO[bytes]:
        return _content(tar, members[f"{scan_id}/{name}"])

    return opened


def _paths(spool: Spool, scan_id: ScanId) -> dict[str, Path]:
    """The files of a scan by their names in a bundle."""
    paths: dict[str, Path] = {}
    raw = spool.raw.path / scan_id
    if raw.is_dir():
        paths.update({entry.name: entry for entry in raw.iterdir()})
    for name, box in ((REPORT, spool.reports), (RECEIPT, spool.receipts)):
        path = box.path / box.name(scan_id)
        if path.exists():
            paths[name] = path
    return paths


def _described(name: str, path: Path) -> ArchivedFile:
    with _open_plain(path) as stream:
        return described(name, stream)


def described(name: str, stream: IO[bytes]) -> ArchivedFile:
    """Length and SHA-256 of a file, read to its end. Raises OSError, tarfile.TarError."""
    digest, length = sha256(), 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        length += len(chunk)
    return ArchivedFile(name=name, bytes=length, sha256=digest.hexdigest())


def _open_plain(path: Path) -> BinaryIO:
    """A file of a spool, never one that a link names."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _opened_partial(path: Path) -> "io.BufferedRandom":
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "r+b")


def _complete_scans(
    stream: BinaryIO, host: ArchivedHost, scans: Sequence[FoundScan]
) -> tuple[list[ArchivedScan], int]:
    """The scans that an interrupted bundle of this host has whole, and where the last one ends.

    A scan that is another one now (it was parsed again, or delivered) ends them: written a second
    time, its files would have the same names in the bundle.
    """
    present = {found.scan.scan_id: found.scan for found in scans}
    complete: list[ArchivedScan] = []
    position = 0
    digests: dict[str, ArchivedFile] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                if member.name == _HOST:
                    if _record(tar, member, ArchivedHost) != host:
                        return [], 0
                    position = _end_of(member)
                elif member.name.endswith(f"/{_SCAN}"):
                    scan = _record(tar, member, ArchivedScan)
                    is_whole = all(digests.get(file.name) == file for file in scan.files)
                    if not is_whole or present.get(scan.scan_id, scan) != scan:
                        break
                    complete.append(scan)
                    position = _end_of(member)
                    digests.clear()
                elif member.name == _END:
                    break
                else:
                    _, _, name = member.name.rpartition("/")
                    digests[name] = described(name, _content(tar, member))
    except (tarfile.TarError, RawBundleError, OSError, ValueError):
        # The end of what was written: what is whole before it counts.
        pass
    return complete, position


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """Raises RawBundleError for anything but a file."""
    stream = tar.extractfile(member)
    if stream is None:
        raise RawBundleError(f"{member.name}: is not a file")
    return stream


def _end_of(member: tarfile.TarInfo) -> int:
    blocks = -(-member.size // tarfile.BLOCKSIZE)
    return int(member.offset_data + blocks * tarfile.BLOCKSIZE)


def _add_scan(tar: tarfile.TarFile, found: FoundScan) -> None:
    """Raises RawBundleError for a file that has changed since it was described."""
    for file in found.scan.files:
        with found.open_file(file.name) as stream:
            checked = _Digested(stream)
            tar.addfile(_info(f"{found.scan.scan_id}/{file.name}", file.bytes), checked)
        if checked.hexdigest() != file.sha256:
            raise RawBundleError(f"{found.scan.scan_id}: has changed meanwhile; export again")
    _add_record(tar, f"{found.scan.scan_id}/{_SCAN}", found.scan)


def _add_record(tar: tarfile.TarFile, name: str, record: object) -> None:
    content = codec.encode(record)
    tar.addfile(_info(name, len(content)), io.BytesIO(content))


def _info(name: str, size: int) -> tarfile.TarInfo:
    """The same scans give the same bytes, whoever exports them and when."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o640
    return info


def _record(tar: tarfile.TarFile, member: tarfile.TarInfo, kind: type[T]) -> T:
    if member.size > _MAX_RECORD_BYTES:
        raise RawBundleError(f"{member.name}: is not a record")
    try:
        return codec.decode(_content(tar, member).read(), kind)
    except codec.SchemaError as error:
        raise RawBundleError(f"{member.name}: {error}") from error


class _Digested(io.RawIOBase):
    """Reads another stream and computes its digest."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._digest.update(chunk)
        return chunk

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
