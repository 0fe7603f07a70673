"""Log lines: a lower-case fact, then values, then what to do.

One line per event on standard error. Under journald each line carries its level as `<N>` and journald adds the
time; elsewhere the line starts with time and stage. Values are quoted where they hold blanks or anything that a
terminal would obey, so hostile text stays one harmless line. For programs there is one JSON object per line, on
standard output.

debug: detail; info: the state changed; warning: recovered; error: this item is lost, damaged or stuck.
"""

import json
import os
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

Level = Literal["debug", "info", "warning", "error"]
_ORDER: dict[Level, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_JOURNAL: dict[Level, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3}


class Log:
    """A stage's log."""

    def __init__(
        self,
        stage: str,
        level: Level = "info",
        stream: TextIO | None = None,
        *,
        as_json: bool = False,
    ) -> None:
        self.level = level
        self._stage = stage
        self._as_json = as_json
        self._stream = stream or (sys.stdout if as_json else sys.stderr)
        self._journal = "JOURNAL_STREAM" in os.environ and stream is None

    def debug(self, message: str, **values: object) -> None:
        self._write("debug", message, values)

    def info(self, message: str, **values: object) -> None:
        self._write("info", message, values)

    def warning(self, message: str, **values: object) -> None:
        self._write("warning", message, values)

    def error(self, message: str, **values: object) -> None:
        self._write("error", message, values)

    def _write(self, level: Level, message: str, values: dict[str, object]) -> None:
        if _ORDER[level] < _ORDER[self.level]:
            return
        try:
            self._stream.write(self._line(level, message, values))
            self._stream.flush()
        except OSError:
            # Nobody listens any more (a closed terminal, a full disk): the work goes on without its log.
            return

    def _line(self, level: Level, message: str, values: dict[str, object]) -> str:
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if self._as_json:
            plain = {
                k: v if isinstance(v, int | float) else str(v)
                for k, v in values.items()
                if v is not None
            }
            return (
                json.dumps(
                    {"at": at, "stage": self._stage, "level": level, "message": message, **plain}
                )
                + "\n"
            )
        told = " ".join(
            [one_line(message), *(f"{k}={quoted(v)}" for k, v in values.items() if v is not None)]
        )
        return (
            f"<{_JOURNAL[level]}>{told}\n"
            if self._journal
            else f"{at} {self._stage} {level}: {told}\n"
        )


def one_line(text: str) -> str:
    """The text with everything that a terminal would obey made visible."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def quoted(value: object) -> str:
    text = str(value)
    if text and text.isprintable() and not any(c in text for c in ' "='):
        return text
    return one_line(json.dumps(text, ensure_ascii=False))
