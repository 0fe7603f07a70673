"""One output of a scanner: kept in a file up to a limit, and split into lines.

Security: a line goes to logs, reports and terminals; characters that would steer a terminal are
replaced.
"""

import fcntl
import os
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from schemas.records import Struct

_LINE_BYTES = 16 * 1024
_LAST_LINE_CHARS = 1000
"""Characters of a scanner's last line that go into the reason of a failed scan."""
_KEEP_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class Line(Struct, frozen=True):
    """One line of output, with the times at which its first byte and its end were read.

    A scanner that prints the name of a rule, works, and then prints the result on the same line
    shows in this way how long the rule took. The times are those of `time.monotonic`.
    """

    text: str
    began_s: float = 0.0
    ended_s: float = 0.0


def printable_line(text: str) -> str:
    """The text on one line. The name of a file or of a container may hold any character."""
    characters = []
    for character in " ".join(text.split()):
        if character.isprintable():
            characters.append(character)
        else:
            characters.append("\ufffd")
    return "".join(characters)


class CapturedOutput:
    """Standard output or standard error of one run."""

    def __init__(self, pipe: BinaryIO, path: Path, on_line: Callable[[Line], None]) -> None:
        self.handle = pipe.fileno()
        os.set_blocking(self.handle, False)
        self.closed = False
        self.last_line = ""
        self.dropped = 0
        """Bytes that were read, but are not in the file."""
        self._pipe = pipe
        self._file = path.open("wb")
        self._space_left = _KEEP_BYTES
        self._on_line = on_line
        self._rest = b""
        self._rest_began_s = 0.0

    def read(self) -> int:
        """Read a chunk; its bytes, 0 where there is none, for now or for good."""
        try:
            chunk = os.read(self.handle, _CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not chunk:
            self.closed = True
            return 0
        kept = chunk[: self._space_left]
        self._space_left -= len(kept)
        self.dropped += len(chunk) - len(kept)
        self._file.write(kept)
        self._split(chunk)
        return len(chunk)

    def drain(self) -> None:
        """Read what is there now; an unfinished line at its end counts as a line.

        A daemon that the scanner has started may hold the pipe open, and go on writing.
        """
        left = _bytes_in(self.handle)
        while left > 0:
            count = self.read()
            if not count:
                break
            left -= count
        self._pass_on(self._rest, time.monotonic())

    def close(self) -> None:
        self._file.close()
        self._pipe.close()

    def _split(self, chunk: bytes) -> None:
        """Pass on the lines that this chunk completes; the start of the next one is kept."""
        now_s = time.monotonic()
        if not self._rest:
            self._rest_began_s = now_s
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._pass_on(line, now_s)
            self._rest_began_s = now_s
        # A line that never ends must not take memory without end.
        self._rest = self._rest[-_LINE_BYTES:]

    def _pass_on(self, line: bytes, now_s: float) -> None:
        text = printable_line(line[:_LINE_BYTES].decode("utf-8", "replace"))
        if text:
            self.last_line = text[:_LAST_LINE_CHARS]
            self._on_line(Line(text, self._rest_began_s, now_s))


def _bytes_in(pipe: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0])
