"""Columns of text. On a terminal wrapped between words, never within one, so that ids and paths
can be copied; piped, a row is a line. Pure.

Where even the longest words do not fit, lines become longer than the terminal is wide. No line ends
in blanks.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

GAP = 2
_CUT = "..."
_WORD = re.compile(r"\S+")


class Cell(NamedTuple):
    """A text, and the name of its style."""

    text: str
    style: str | None = None


def lines(
    rows: Sequence[Sequence[Cell]], terminal_width: int | None, firm: int = 0
) -> Iterator[list[Cell]]:
    """The lines of a table, each as its cells, padded.

    `terminal_width` None: nothing is wrapped. The first `firm` columns are never wrapped.
    """
    columns = list(zip(*rows, strict=True))
    widths = [_widest(column, _split_lines) for column in columns]
    if terminal_width is not None:
        narrowest = [_widest(column, str.split) for column in columns]
        narrowest[:firm] = widths[:firm]
        available = terminal_width - GAP * (len(columns) - 1)
        widths = _narrowed(widths, narrowest, available)
    for row in rows:
        wrapped = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        for parts in zip_longest(*wrapped, fillvalue=Cell("")):
            yield _line(parts, widths)


def _split_lines(text: str) -> list[str]:
    return text.split("\n")


def _widest(column: Sequence[Cell], split: Callable[[str], list[str]]) -> int:
    pieces = chain.from_iterable(split(cell.text) for cell in column)
    return max(map(text_width, pieces), default=0)


def _narrowed(widths: Sequence[int], narrowest: Sequence[int], available: int) -> list[int]:
    """Widths that fit into `available`, taken from the widest columns, none below its narrowest."""
    found = list(widths)
    excess = sum(widths) - max(available, sum(narrowest))
    for _ in range(excess):
        shrinkable = [number for number, width in enumerate(found) if width > narrowest[number]]
        widest = max(shrinkable, key=lambda number: found[number])
        found[widest] -= 1
    return found


def _line(parts: Sequence[Cell], widths: Sequence[int]) -> list[Cell]:
    line = []
    # Blanks come before a text, never after the last one.
    blanks = ""
    for part, width in zip(parts, widths, strict=True):
        if part.text:
            line += [Cell(blanks), part]
            blanks = ""
        blanks += " " * (width + GAP - text_width(part.text))
    return line


def _wrapped(cell: Cell, width: int) -> Iterator[Cell]:
    """The lines of a cell, each as long as fits; a word that is longer has a line to itself."""
    for line in _split_lines(cell.text):
        start = end = 0
        for word in _WORD.finditer(line):
            if text_width(line[start : word.end()]) > width:
                if end:
                    yield Cell(line[start:end], cell.style)
                start = word.start()
            end = word.end()
        yield Cell(line[start:end], cell.style)


def shortened(text: str, width: int) -> str:
    """A text of at most `width` columns; one that is longer is cut in its middle.

    Names of profiles begin alike and differ at their ends, so more is kept of the end.
    """
    if text_width(text) <= width:
        return text
    available = max(0, width - len(_CUT))
    start, end = text, text
    while text_width(start) > available // 3:
        start = start[:-1]
    while text_width(end) > available - text_width(start):
        end = end[1:]
    return f"{start}{_CUT}{end}"


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    width = 0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            width += 2
        elif not unicodedata.combining(character):
            width += 1
    return width
