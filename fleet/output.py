"""Output of the fleet commands: results on standard output, the rest on standard error."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from stages.formats.visible import harmless_cell, visible_line
from stages.runtime.command_error import file_errors
from stages.runtime.printable import one_line

_WIDTH_WITHOUT_TERMINAL = 160
_ANY_WIDTH = 100_000
_LONGEST_NAME = 30
errors = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False)
if not sys.stdout.isatty():
    output = Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not sys.stderr.isatty(),
    )


def show_problem(text: str) -> None:
    """A line on standard error; names and reasons from archives are harmless to the terminal."""
    errors.print(one_line(text), style="red", markup=False)


def show_table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal: long texts wrap, names in the first column do not."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for number, column in enumerate(columns):
        width = None
        if number == 0:
            width = min(max((len(row[0]) for row in rows), default=0), _LONGEST_NAME)
        table.add_column(column, min_width=width, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    output.print(table)


def show_wide_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A line for each row, however long."""
    table = Table(box=None)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False, width=_ANY_WIDTH).print(table)


def cell(value: object) -> str:
    if value is None:
        return ""
    return visible_line(str(value))


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path | None) -> None:
    """Raises CommandError."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(list(map(harmless_cell, row)))
    write(text.getvalue(), path)


def write(text: str, path: Path | None) -> None:
    """To a file, or to standard output. Raises CommandError."""
    if path is None:
        sys.stdout.write(text)
        return
    with file_errors(path, "can't be written"):
        path.write_text(text, encoding="utf-8")
