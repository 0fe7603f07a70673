"""Columns of text: on a terminal wrapped between words, never within one, so ids and paths can be copied.

Where even the longest words don't fit, lines grow longer than the terminal is wide. Piped, a row is a line. No line
ends in blanks.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

_GAP = 2
_WORD = re.compile(r"\S+")


def show_columns(console: Console, rows: Sequence[Sequence[Text]], firm: int = 0) -> None:
    """Print the rows; the first `firm` columns are not wrapped."""
    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    natural = [max(_longest(cell.plain.split("\n")) for cell in column) for column in columns]
    if console.is_terminal:
        least = [max(_longest(cell.plain.split()) for cell in column) for column in columns]
        room = console.width - _GAP * (len(columns) - 1)
        natural = _narrowed(natural, [*natural[:firm], *least[firm:]], room)
    for row in rows:
        for line in _lines(row, natural):
            console.print(line)


def _narrowed(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit into `room`, taken from the widest columns, none below its least."""
    found = list(widths)
    while sum(found) > room:
        spare = [(width, number) for number, width in enumerate(found) if width > least[number]]
        if not spare:
            break
        found[max(spare)[1]] -= 1
    return found


def _lines(row: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
    for parts in zip_longest(
        *(_wrapped(cell, width) for cell, width in zip(row, widths, strict=True))
    ):
        line = Text()
        for part, width in zip(parts, widths, strict=True):
            if part:
                line.append_text(part)
            line.append(" " * (width + _GAP - (part.cell_len if part else 0)))
        line.rstrip()
        yield line


def _wrapped(cell: Text, width: int) -> Iterator[Text]:
    """The lines of a cell, each as long as fits; a word that is longer has a line to itself."""
    for line in cell.split("\n", allow_blank=True):
        start = end = 0
        for word in _WORD.finditer(line.plain):
            if end and line[start : word.end()].cell_len > width:
                yield line[start:end]
                start = word.start()
            end = word.end()
        yield line[start:end]


def _longest(pieces: Sequence[str]) -> int:
    return max((Text(piece).cell_len for piece in pieces), default=0)
