"""Speaking to people and to programs: tables, colour and a progress bar on a terminal, JSON where asked for.

Security: text of scanners and servers is shown with everything that a terminal would obey made visible. The only
importer of rich.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from schemas import codec
from stages.console.table import show_columns
from stages.runtime.logs import one_line

_STYLES = {
    "pass": "green",
    "fail": "red",
    "error": "magenta",
    "warn": "yellow",
    "accepted": "green",
    "refused": "red",
    "completed": "green",
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


class _Screen(Console):
    """A reader that has gone ends the command in the program's own way."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def screen(*, error: bool = False) -> Console:
    """Standard output (or error); lines are never cut."""
    return _Screen(stderr=error, highlight=False, markup=False, soft_wrap=True)


def say(text: str = "", style: str | None = None) -> None:
    screen().print(Text(safe(text), style=style or ""))


def warn(text: str) -> None:
    screen(error=True).print(Text(safe(text), style="yellow"))


def show_json(record: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(codec.pretty(record) + "\n")


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None
) -> None:
    console = screen()
    if title:
        console.print(Text(safe(title), style="bold"))
    header = [Text(column, style="bold") for column in columns]
    show_columns(console, [header, *([_cell(value) for value in row] for row in rows)])


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values, two columns; values that are None are left out."""
    rows = [[Text(name, style="bold"), _cell(value)] for name, value in facts if value is not None]
    show_columns(screen(), rows, firm=1)


def safe(text: str) -> str:
    """Many lines, each harmless to a terminal."""
    return "\n".join(one_line(line) for line in text.split("\n"))


class Bar:
    """A progress bar under the rules as they are evaluated; where there is no terminal, the rules alone."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None) if progress else None

    def step(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """One more thing is done: `done` of `total`, where these are known."""
        count = f"[{done}/{total or '?'}] " if done else ""
        line = Text(f"{count}{one_line(message)}", style=_STYLES.get(message.partition(":")[0], ""))
        (self._progress.console if self._progress else screen()).print(line)
        if self._progress and self._task is not None and done is not None:
            self._progress.update(self._task, completed=done, total=total)


class SilentBar(Bar):
    """For programs: nothing but JSON is printed."""

    def __init__(self) -> None:
        super().__init__(None)

    def step(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Nothing is shown."""


@contextmanager
def progress_bar(*, quiet: bool = False, what: str = "evaluating") -> Iterator[Bar]:
    console = screen()
    if quiet or not console.is_terminal:
        yield SilentBar() if quiet else Bar(None)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress)


def _cell(value: object) -> Text:
    text = "" if value is None else safe(str(value))
    return Text(text, style=_STYLES.get(text, ""))
