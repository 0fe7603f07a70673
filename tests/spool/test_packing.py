import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from spool import packing
from spool.packing import PackingError, pack, unpacked

zstd = packing._zstd()
CONTENT = b"<Benchmark/>" * 1000


@pytest.mark.parametrize(
    "squeeze",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress],
    ids=lambda f: f.__module__,
)
def test_every_compression_is_known_by_its_first_bytes(squeeze: Callable[[bytes], bytes]) -> None:
    with unpacked(io.BytesIO(squeeze(CONTENT)), len(CONTENT)) as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize(
    "squeeze", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress]
)
def test_no_more_is_unpacked_than_the_limit(squeeze: Callable[[bytes], bytes]) -> None:
    with (
        unpacked(io.BytesIO(squeeze(CONTENT)), len(CONTENT) - 1) as stream,
        pytest.raises(PackingError),
    ):
        stream.read()


def test_a_small_file_that_unpacks_to_a_gibibyte_ends_at_the_limit() -> None:
    bomb = zstd.ZstdCompressor()
    squeezed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(1024)) + bomb.flush()
    with (
        unpacked(io.BytesIO(squeezed), 1 << 20) as stream,
        pytest.raises(PackingError, match="more than 1048576"),
    ):
        stream.read()


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_a_torn_stream_is_an_error_and_never_taken_for_whole(
    squeeze: Callable[[bytes], bytes],
) -> None:
    torn = squeeze(CONTENT)[:-2]
    with (
        unpacked(io.BytesIO(torn), 10**6) as stream,
        pytest.raises(PackingError, match="cut short"),
    ):
        stream.read()


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress])
def test_a_stream_that_was_altered_is_an_error(squeeze: Callable[[bytes], bytes]) -> None:
    altered = bytearray(squeeze(os.urandom(4096)))
    altered[20:60] = b"\xff" * 40
    with (
        unpacked(io.BytesIO(altered), 10**6) as stream,
        pytest.raises(PackingError, match="broken"),
    ):
        stream.read()


def read(packed: bytes) -> bytes:
    with unpacked(io.BytesIO(packed), 10**6) as stream:
        return stream.read()


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_streams_one_after_the_other_are_one_content(squeeze: Callable[[bytes], bytes]) -> None:
    assert read(squeeze(CONTENT) + squeeze(b"more")) == CONTENT + b"more"
    assert read(squeeze(CONTENT) + bytes(8)) == CONTENT


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_a_later_stream_that_is_broken_at_its_beginning_is_not_left_out(
    squeeze: Callable[[bytes], bytes],
) -> None:
    first, second = squeeze(CONTENT), squeeze(b"more")
    for bit in range(3 * 8):
        broken = bytearray(second)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PackingError):
            read(first + broken)


def test_a_frame_that_asks_for_a_large_window_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 28}
    packer = zstd.ZstdCompressor(options=options)
    squeezed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(257)) + packer.flush()
    with (
        unpacked(io.BytesIO(squeezed), 1 << 30) as stream,
        pytest.raises(PackingError, match="broken"),
    ):
        stream.read()


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress, zstd.compress])
def test_closing_what_is_unpacked_closes_the_stream(squeeze: Callable[[bytes], bytes]) -> None:
    source = io.BytesIO(squeeze(CONTENT))
    unpacked(source, len(CONTENT)).close()
    assert source.closed


def test_packing_returns_length_and_digest_of_what_it_stored() -> None:
    import hashlib

    target = io.BytesIO()
    packed = pack(io.BytesIO(CONTENT), target)
    assert (packed.original_bytes, packed.stored_bytes) == (len(CONTENT), len(target.getvalue()))
    assert packed.stored_sha256 == hashlib.sha256(target.getvalue()).hexdigest()


@pytest.mark.slow
def test_a_stream_that_needs_more_memory_than_there_is_is_an_error() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 3 << 29}]
    squeezed = lzma.compress(CONTENT, filters=filters)
    # In a process of its own: the limit can't be lifted again.
    program = (
        "import io, resource, sys; from spool import packing; packing.import_libraries()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "try: packing.unpacked(io.BytesIO(sys.stdin.buffer.read()), 1 << 20).read()\n"
        "except packing.PackingError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=squeezed, capture_output=True, check=True
    )
    assert done.stdout == b"unpacking needs more memory than there is\n"
