"""Output for people (text, tables, colour, a progress bar on a terminal) and for programs (JSON).

Security: control characters in texts of scanners and servers are shown as escapes, never sent to
the terminal.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO, TypeVar

from stages.console import table
from stages.console.table import Cell
from stages.runtime.printable import one_line

_R = TypeVar("_R")

# Select Graphic Rendition, ECMA-48 8.3.117.
_COLOURS = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "bold red": "1;31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
}
_STYLES = {
    "pass": "green",
    "fail": "red",
    "error": "magenta",
    "warn": "yellow",
    "accepted": "green",
    "refused": "red",
    "forced": "yellow",
    "completed": "green",
    "unreadable": "red",
    "failed": "red",
    "cancelled": "yellow",
    "superseded": "dim",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "running": "green",
    "stopped": "red",
    "suspended": "red",
    "not responding": "red",
    "missing": "red",
    "ready": "green",
}
_WIDTH_WITHOUT_TERMINAL = 80
_BAR_WIDTH = 40
# Carriage return, and Erase in Line: ECMA-48 8.3.41.
_ERASE_LINE = "\r\x1b[K"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def show_text(text: str = "", style: str | None = None) -> None:
    _write(sys.stdout, [[Cell(safe(text), style)]])


def show_script(text: str) -> None:
    """Text that is to be run: unlike in `show_text`, a tab stays a tab."""
    for line in text.split("\n"):
        sys.stdout.write("\t".join(map(one_line, line.split("\t"))) + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    _write(sys.stderr, [[Cell(safe(text), "yellow")]])


def show_json(record: object) -> None:
    """One JSON document on standard output; ASCII where the output has another encoding."""
    from schemas import codec

    document = codec.pretty(record) + "\n"
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        document = _escape_json(document)
    sys.stdout.write(document)


def show_progress(text: str, style: str | None = None, *, as_json: bool) -> None:
    """A line for people alone: with `--json`, standard output is for the JSON."""
    if not as_json:
        show_text(text, style)


def show_line(record: object, line: str, *, as_json: bool) -> None:
    """A record as JSON, or one line about it."""
    show_record(record, lambda _: show_text(line), as_json=as_json)


def show_record(record: _R, show: Callable[[_R], None], *, as_json: bool) -> None:
    """A record as JSON, or as text."""
    if as_json:
        show_json(record)
    else:
        show(record)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    header = [Cell(column, "bold") for column in columns]
    cells = [list(map(_cell, row)) for row in rows]
    _write(sys.stdout, table.lines([header, *cells], _terminal_width()))


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values in two columns; values that are None are left out."""
    rows = [[Cell(name, "bold"), _cell(value)] for name, value in facts if value is not None]
    _write(sys.stdout, table.lines(rows, _terminal_width(), firm=1))


def safe(text: str) -> str:
    """Several lines, each harmless to a terminal."""
    return "\n".join(map(one_line, text.split("\n")))


def unicode_text(text: object) -> str:
    """A path or an argument, with escapes for bytes that this locale cannot decode.

    Python keeps such bytes as lone surrogates, which no encoder accepts.
    """
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class Bar:
    """Lines of progress, and on a terminal a bar below them that shows how far it is."""

    def __init__(self, what: str, *, drawn: bool) -> None:
        self._what = what
        self._drawn = drawn
        self._started = time.monotonic()

    def step(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Show a line of progress: `done` of `total`, where these are known."""
        line = one_line(message)
        if done:
            line = f"[{done}/{total or '?'}] {line}"
        self.erase()
        show_text(line, _STYLES.get(message.partition(":")[0]))
        if self._drawn and done is not None:
            sys.stdout.write(self._text(done, total)[: line_width() - 1])
            sys.stdout.flush()

    def erase(self) -> None:
        if self._drawn:
            sys.stdout.write(_ERASE_LINE)
            sys.stdout.flush()

    def _text(self, done: int, total: int | None) -> str:
        filled = 0
        if total:
            filled = min(_BAR_WIDTH, _BAR_WIDTH * done // total)
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{self._what} {bar} {done}/{total or '?'} {minutes}:{seconds:02}"


class SilentBar(Bar):
    """For programs: only JSON is printed."""

    def __init__(self) -> None:
        super().__init__("", drawn=False)

    def step(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Show nothing."""


@contextmanager
def progress_bar(*, quiet: bool = False, what: str = "evaluating") -> Iterator[Bar]:
    if quiet:
        yield SilentBar()
        return
    bar = Bar(what, drawn=_takes_escapes(sys.stdout))
    try:
        yield bar
    finally:
        bar.erase()


def _cell(value: object) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell(str(value).lower())
    text = safe(str(value))
    return Cell(text, _STYLES.get(text))


def _write(stream: TextIO, lines: Iterable[Sequence[Cell]]) -> None:
    paint = _plain
    if _takes_escapes(stream):
        paint = _painted
    for line in lines:
        for cell in line:
            stream.write(paint(cell))
        stream.write("\n")
    # The reader of a pipe gets each line at once, and a reader that has gone is noticed here.
    stream.flush()


def _plain(cell: Cell) -> str:
    return cell.text


def _painted(cell: Cell) -> str:
    if cell.style is None:
        return cell.text
    return f"\x1b[{_COLOURS[cell.style]}m{cell.text}\x1b[0m"


def _takes_escapes(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return stream.isatty()


def line_width() -> int:
    """How many columns a line may have: those of the terminal, or 80 where there is none."""
    return _terminal_width() or _WIDTH_WITHOUT_TERMINAL


def _terminal_width() -> int | None:
    """None where standard output is not a terminal."""
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _WIDTH_WITHOUT_TERMINAL
    except OSError:
        return _WIDTH_WITHOUT_TERMINAL


def _escape_json(document: str) -> str:
    r"""The document in ASCII. Other characters occur in strings alone, where `\u` may stand."""
    # Imported late: most outputs are UTF-8.
    import json

    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], document)
