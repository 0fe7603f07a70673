"""Compression: raw files are kept as zstd; what others made may come as gzip, xz or bzip2 as well.

Promises: unpacking is streamed and ends at a limit, so a decompression bomb costs no more than the
limit says. The only importer of the compression libraries.

Diagnostics: PackingError for a stream that is broken, or that unpacks to more than it may.
"""

import hashlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from spool.errors import SpoolError

_CHUNK = 256 * 1024
_LEVEL = 3
_MAX_WINDOW = 128 * 1024 * 1024


class PackingError(SpoolError):
    """A compressed stream that can't or must not be unpacked."""


@dataclass(frozen=True)
class Packed:
    original_bytes: int
    stored_bytes: int
    stored_sha256: str


def pack(source: BinaryIO, target: BinaryIO) -> Packed:
    """Compress `source` into `target` as zstd. Raises OSError."""
    import zstandard

    packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    digest, original, stored = hashlib.sha256(), 0, 0
    while True:
        chunk = source.read(_CHUNK)
        packed = packer.compress(chunk) if chunk else packer.flush()
        digest.update(packed)
        original, stored = original + len(chunk), stored + len(packed)
        target.write(packed)
        if not chunk:
            return Packed(original, stored, digest.hexdigest())


def unpacked(stream: BinaryIO, limit: int) -> BinaryIO:
    """The content of a stream that may be compressed, by its first bytes; at most `limit` bytes of
    it.
    """
    head = stream.read(6)
    stream.seek(0)
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return cast(BinaryIO, io.BufferedReader(_Bounded(opener(stream), limit), _CHUNK))
    return cast(BinaryIO, io.BufferedReader(_Bounded(stream, limit), _CHUNK))


def import_libraries() -> None:
    """Import every compression library now: a process that gives up its rights may not be able to
    later.
    """
    import bz2  # noqa: F401
    import gzip  # noqa: F401
    import lzma  # noqa: F401

    import zstandard  # noqa: F401


class _Bounded(io.RawIOBase):
    """Reads through, and refuses to read more than the limit."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._left = limit
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            chunk = self._stream.read(len(buffer))
        except _breakages() as error:
            raise PackingError(f"compressed data is broken: {str(error) or 'cut short'}") from error
        self._left -= len(chunk)
        if self._left < 0:
            raise PackingError(f"unpacks to more than {self._limit} bytes")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Zstd(io.RawIOBase):
    """A zstd frame, unpacked in small steps; unlike the library's own reader it notices a frame cut
    short.

    One block of a few bytes may unpack to 128 KiB, so a step takes little: 512 bytes make at most
    22 MiB.
    """

    _STEP = 512

    def __init__(self, stream: BinaryIO) -> None:
        import zstandard

        self._stream = stream
        self._broken = zstandard.ZstdError
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._unpacker.eof:
            step = self._stream.read(self._STEP)
            if not step:
                raise EOFError
            try:
                self._ready = memoryview(self._unpacker.decompress(step))
            except self._broken as error:
                raise EOFError(str(error)) from error
        part = self._ready[: len(buffer)]
        self._ready = self._ready[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _breakages() -> tuple[type[Exception], ...]:
    """What a broken stream makes the libraries raise: of those that were loaded."""
    lzma = sys.modules.get("lzma")
    return (EOFError, OSError, ValueError, *((lzma.LZMAError,) if lzma else ()))


def _open_gzip(stream: BinaryIO) -> BinaryIO:
    import gzip

    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))


def _open_xz(stream: BinaryIO) -> BinaryIO:
    import lzma

    return cast(BinaryIO, lzma.LZMAFile(stream))


def _open_bzip2(stream: BinaryIO) -> BinaryIO:
    import bz2

    return cast(BinaryIO, bz2.BZ2File(stream))


# Each library is loaded by whoever meets its format: two of the stages never do.
_OPENERS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x28\xb5\x2f\xfd": lambda stream: cast(BinaryIO, _Zstd(stream)),
    b"\x1f\x8b": _open_gzip,
    b"\xfd7zXZ\x00": _open_xz,
    b"BZh": _open_bzip2,
}
