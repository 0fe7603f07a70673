"""Files that a command reads more than once, whatever they are: a pipe is first copied to a file of its own.

`-` is standard input. Promises: what was copied is gone when the command ends; no more than `limit` bytes are taken.

Diagnostics: CommandError that names the file.
"""

import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from stages.console.errors import CommandError
from stages.runtime.exits import Exit

_CHUNK_BYTES = 1 << 20


@contextmanager
def seekable(paths: Sequence[Path], limit: int) -> Iterator[list[Path]]:
    """The same files, each of which can be opened again and again. Raises CommandError."""
    if [str(path) for path in paths].count("-") > 1:
        raise CommandError("-: standard input can be read only once", Exit.USAGE)
    with ExitStack() as stack:
        yield [_plain(path, limit, stack) for path in paths]


def _plain(path: Path, limit: int, stack: ExitStack) -> Path:
    try:
        if str(path) == "-":
            return _copied("standard-input", sys.stdin.buffer, limit, stack)
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path
        if stat.S_ISDIR(mode):
            raise CommandError(f"{path}: is a directory: name the files in it", Exit.USAGE)
        with path.open("rb") as stream:
            return _copied(path.name, stream, limit, stack)
    except OSError as error:
        raise CommandError(
            f"{path}: can't be read: {error.strerror or error}", Exit.USAGE
        ) from error


def _copied(name: str, source: BinaryIO, limit: int, stack: ExitStack) -> Path:
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="compliance-agent-"))
    copy, left = Path(directory) / name, limit
    with copy.open("wb") as target:
        while chunk := source.read(min(_CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise CommandError(f"{name}: longer than {limit} bytes, the limit", Exit.NO)
            target.write(chunk)
    return copy
