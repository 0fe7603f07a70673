"""Compression: raw files are kept as zstd; what others made may come as gzip, xz or bzip2 as well.

Promises: unpacking is streamed and ends at a limit, so a decompression bomb costs no more than the
limit says. The only importer of the compression libraries.

Diagnostics: PackingError for a stream that is broken, or that unpacks to more than it may.
"""

import io
import sys
from collections.abc import Callable
from types import ModuleType
from typing import BinaryIO, Protocol, cast

from schemas.records import Struct
from spool.errors import SpoolError, is_of_the_machine

_CHUNK = 256 * 1024
_LEVEL = 3
_MAX_WINDOW_LOG = 27
"""A frame may ask for 128 MiB of memory, the most that `zstd --ultra` writes without --long."""

_ERRORS = {
    "zlib": "error",
    "lzma": "LZMAError",
    "compression.zstd": "ZstdError",
    "backports.zstd": "ZstdError",
}
"""What each library raises for a broken stream."""
_PADDING = b"\0"
"""What xz allows between and after streams."""


class PackingError(SpoolError):
    """A compressed stream that can't or must not be unpacked."""


class Packed(Struct, frozen=True):
    original_bytes: int
    stored_bytes: int
    stored_sha256: str


def pack(source: BinaryIO, target: BinaryIO, alive: Callable[[], None] = lambda: None) -> Packed:
    """Compress `source` into `target` as zstd; `alive` is called now and then. Raises OSError."""
    from hashlib import sha256

    packer = _zstd().ZstdCompressor(level=_LEVEL)
    digest, original, stored = sha256(), 0, 0
    while True:
        chunk = source.read(_CHUNK)
        packed = packer.compress(chunk) if chunk else packer.flush()
        digest.update(packed)
        original, stored = original + len(chunk), stored + len(packed)
        target.write(packed)
        alive()
        if not chunk:
            return Packed(original, stored, digest.hexdigest())


def unpacked(stream: BinaryIO, limit: int) -> BinaryIO:
    """The content of a stream that may be compressed, by its first bytes; at most `limit` bytes of
    it. Closing it closes the stream.
    """
    head = stream.read(6)
    stream.seek(0)
    content = stream
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            content = opener(stream)
    return cast(BinaryIO, io.BufferedReader(_Bounded(content, stream, limit), _CHUNK))


def import_libraries() -> None:
    """Import every compression library now: a process that gives up its rights may not be able to
    later.
    """
    import bz2  # noqa: F401
    import gzip  # noqa: F401
    import lzma  # noqa: F401

    _zstd()


class _Bounded(io.RawIOBase):
    """Reads through, and refuses to read more than the limit."""

    def __init__(self, stream: BinaryIO, source: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._source = source
        self._left = limit
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            chunk = self._stream.read(len(buffer))
        except EOFError as error:
            raise PackingError("the compressed data is cut short") from error
        except MemoryError as error:
            # The stream itself names the memory that it needs: xz up to 4 GiB.
            raise PackingError("unpacking needs more memory than there is") from error
        except _breakages() as error:
            if isinstance(error, OSError) and is_of_the_machine(error):
                # The disk failed; the data may be whole.
                raise
            raise PackingError(f"the compressed data is broken: {error}") from error
        self._left -= len(chunk)
        if self._left < 0:
            raise PackingError(f"unpacks to more than {self._limit} bytes")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        # Decompressors leave open what they read from.
        self._stream.close()
        self._source.close()
        super().close()


class _Decoder(Protocol):
    """What the libraries' decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Streams(io.RawIOBase):
    """The compressed streams of a file, one after the other.

    The libraries' own readers take a broken stream that is not the first one for garbage at the
    end, and leave it out in silence.
    """

    def __init__(self, source: BinaryIO, new_decoder: Callable[[], _Decoder]) -> None:
        self._source = source
        self._new_decoder = new_decoder
        self._decoder = new_decoder()
        self._pending = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            # A decoder may take input and give nothing yet (a header, a part of a block). An empty
            # answer would mean the end of the stream.
            if self._decoder.eof and not self._has_next():
                return 0
            data, self._pending = self._pending, b""
            if not data and self._decoder.needs_input:
                data = self._source.read(_CHUNK)
                if not data:
                    raise EOFError
            chunk = self._decoder.decompress(data, len(buffer))
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)

    def _has_next(self) -> bool:
        rest = self._decoder.unused_data.lstrip(_PADDING)
        while not rest:
            data = self._source.read(_CHUNK)
            if not data:
                return False
            rest = data.lstrip(_PADDING)
        self._decoder, self._pending = self._new_decoder(), rest
        return True


def _zstd() -> ModuleType:
    """The standard library's zstd, or for older Pythons its backport: they have the same names."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def _breakages() -> tuple[type[Exception], ...]:
    """What a broken stream makes the libraries raise: of those that were loaded."""
    found: list[type[Exception]] = [OSError, ValueError]
    for module, error in _ERRORS.items():
        if module in sys.modules:
            found.append(getattr(sys.modules[module], error))
    return tuple(found)


def _open_zstd(stream: BinaryIO) -> BinaryIO:
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
    return _streams(stream, lambda: zstd.ZstdDecompressor(options=options))


def _open_gzip(stream: BinaryIO) -> BinaryIO:
    import gzip

    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))


def _open_xz(stream: BinaryIO) -> BinaryIO:
    import lzma

    return _streams(stream, lzma.LZMADecompressor)


def _open_bzip2(stream: BinaryIO) -> BinaryIO:
    import bz2

    return _streams(stream, bz2.BZ2Decompressor)


def _streams(stream: BinaryIO, new_decoder: Callable[[], _Decoder]) -> BinaryIO:
    return cast(BinaryIO, _Streams(stream, new_decoder))


# Each library is loaded when its format is met: in two of the stages that never happens.
_OPENERS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x28\xb5\x2f\xfd": _open_zstd,
    b"\x1f\x8b": _open_gzip,
    b"\xfd7zXZ\x00": _open_xz,
    b"BZh": _open_bzip2,
}
