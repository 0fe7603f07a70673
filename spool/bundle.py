"""Bundles: many entries in one file, to be carried to another spool.

A bundle is a zstd stream: its index (`schemas.bundle.Bundle`), then the entries that it lists, each
in its frame, in that order, and nothing after them.

Promises: an entry is given out only if it is the one that the index lists, byte for byte. Reading
holds one entry at a time in memory. Diagnostics: BundleError for anything but a complete bundle.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, cast

from schemas import codec
from schemas.bundle import Bundle, BundledReport
from schemas.ids import ScanId, is_scan_id
from spool import frame, packing
from spool.errors import EntryDamagedError, EntryError, NewerFormatError, SpoolError

_INDEX = "bundle"
_MAX_BYTES = 64 * 1024**3


class BundleError(SpoolError):
    """A file is not a bundle, or is incomplete."""


def listed(scan_id: ScanId, entry: bytes) -> BundledReport:
    """An entry's place in the index."""
    digest = hashlib.sha256(entry).hexdigest()
    return BundledReport(scan_id=scan_id, sha256=digest, bytes=len(entry))


def write(target: BinaryIO, index: Bundle, entries: Iterable[bytes]) -> None:
    """Write a bundle; `entries` as the index lists them. Raises OSError, and BundleError for
    another entry.
    """

    def pieces() -> Iterator[bytes]:
        yield frame.seal(_INDEX, codec.encode(index))
        for report, entry in zip(index.reports, entries, strict=True):
            if listed(report.scan_id, entry) != report:
                raise BundleError(
                    f"{report.scan_id}: has changed since the export began: export again"
                )
            yield entry

    packing.pack(cast(BinaryIO, io.BufferedReader(_Pieces(pieces()))), target)


def read(source: BinaryIO) -> tuple[Bundle, Iterator[tuple[BundledReport, bytes]]]:
    """The index of a bundle, and its sealed entries, each compared with the index when its turn
    comes.

    Raises BundleError, and NewerFormatError for one of a later version.
    """
    stream = packing.unpacked(source, _MAX_BYTES)
    try:
        index = codec.decode(frame.unseal(_INDEX, _next(_INDEX, stream)), Bundle)
    except NewerFormatError as error:
        raise NewerFormatError(f"the bundle {error}") from error
    except (packing.PackingError, EntryError, codec.SchemaError) as error:
        raise BundleError(f"not a bundle of this program: {error}") from error
    seen: set[ScanId] = set()
    for report in index.reports:
        # Ids become file names.
        if not is_scan_id(report.scan_id):
            raise BundleError(f"lists {report.scan_id[:80]!r}, which is not a scan id")
        if report.scan_id in seen:
            raise BundleError(f"lists {report.scan_id} twice")
        seen.add(report.scan_id)
    return index, _entries(stream, index)


def read_whole(source: BinaryIO, check: Callable[[ScanId, bytes], None]) -> Bundle:
    """The index of a bundle of which every entry is the one that it lists, and passes `check`.

    Raises BundleError, and NewerFormatError for a bundle or an entry of a later version.
    """
    index, entries = read(source)
    for report, entry in entries:
        try:
            check(report.scan_id, entry)
        except EntryDamagedError as error:
            raise BundleError(f"{report.scan_id}: {error}") from error
    return index


def _entries(stream: BinaryIO, index: Bundle) -> Iterator[tuple[BundledReport, bytes]]:
    for report in index.reports:
        try:
            entry = _next("report", stream)
            if listed(report.scan_id, entry) != report:
                raise BundleError(f"{report.scan_id}: is not the entry that the bundle lists")
            yield report, entry
        except NewerFormatError as error:
            raise NewerFormatError(f"{report.scan_id}: {error}") from error
        except (packing.PackingError, EntryError) as error:
            raise BundleError(f"{report.scan_id}: {error}") from error
    try:
        if stream.read(1):
            raise BundleError("the file contains more than the bundle lists")
    except packing.PackingError as error:
        raise BundleError(str(error)) from error


def _next(kind: str, stream: BinaryIO) -> bytes:
    """The next sealed entry."""
    line = stream.readline(frame.MAX_FIRST_LINE_BYTES)
    if not line:
        raise EntryDamagedError("cut short")
    first = frame.parse_first_line(kind, line.removesuffix(b"\n"))
    length = frame.entry_bytes(line.removesuffix(b"\n"), first)
    if length > frame.MAX_ENTRY_BYTES:
        raise EntryDamagedError(
            f"an entry of {length} bytes; none is larger than {frame.MAX_ENTRY_BYTES}"
        )
    return line + stream.read(length - len(line))


class _Pieces(io.RawIOBase):
    """Reads through pieces as if they were one file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        part = self._rest[: len(buffer)]
        self._rest = self._rest[len(part) :]
        buffer[: len(part)] = part
        return len(part)
