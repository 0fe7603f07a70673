"""Files named on the command line, opened before anything is read from them.

`-` is standard input. A pipe is first copied to a file without a name, because readers go over
their input more than once. At most `limit` bytes are copied.

Diagnostics: CommandError that names the file.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from schemas.records import Struct
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_CHUNK_BYTES = 1 << 20


class Source(Struct, frozen=True):
    """An open file that can be read from any position."""

    name: str
    """As it is called in messages."""
    descriptor: int
    modified_at: datetime


@contextmanager
def open_sources(paths: Sequence[Path], limit: int) -> Iterator[list[Source]]:
    """The files, in the same order. Raises CommandError."""
    if paths.count(Path("-")) > 1:
        raise CommandError("-: standard input can be read only once", Exit.USAGE)
    with ExitStack() as stack:
        yield [_source(path, limit, stack) for path in paths]


def _source(path: Path, limit: int, stack: ExitStack) -> Source:
    name = str(path)
    try:
        if name == "-":
            name = "standard input"
            stream: BinaryIO = sys.stdin.buffer
        else:
            stream = stack.enter_context(path.open("rb"))
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            stream = _copy(name, stream, limit, stack)
        modified_at = datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, UTC)
        return Source(name, stream.fileno(), modified_at)
    except IsADirectoryError as error:
        raise CommandError(f"{path}: is a directory: name the files in it", Exit.USAGE) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"{name}: can't be read: {reason}", Exit.USAGE) from error


def _copy(name: str, source: BinaryIO, limit: int, stack: ExitStack) -> BinaryIO:
    copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    left = limit
    while chunk := source.read(min(_CHUNK_BYTES, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise CommandError(f"{name}: longer than {limit // 2**20} MiB, the limit", Exit.NO)
        _keep(name, copy, chunk)
    return copy


def _keep(name: str, copy: BinaryIO, chunk: bytes) -> None:
    try:
        copy.write(chunk)
        copy.flush()
    except OSError as error:
        place = tempfile.gettempdir()
        raise CommandError(
            f"{name}: can't be copied to {place}: {error.strerror}: free some space there, or set "
            "TMPDIR to another directory",
            Exit.UNUSABLE,
        ) from error
