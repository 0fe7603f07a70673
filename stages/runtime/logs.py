"""Log lines: a lower-case fact, then values, then what to do.

One line per event on standard error, which starts with time and stage. The journal adds the time
itself, and gets level, stage, event and scan id as fields of their own. Values are quoted where
they hold blanks or anything that a terminal would interpret, so hostile text stays one harmless
line. For programs there is one JSON object per line, on standard output.

debug: detail; info: the state changed; warning: recovered; error: this item is lost, damaged or
stuck.
"""

import json
import os
import re
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

from stages.runtime.journal import Journal, journal_of
from stages.runtime.printable import one_line

Level = Literal["debug", "info", "warning", "error"]
_ORDER: dict[Level, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_NEEDS_NO_QUOTES = re.compile('[^ "=]+')
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
        self._levels_for_journal = False
        self._journal: Journal | None = None
        if stream is not None:
            self._stream = stream
        elif as_json:
            self._stream = sys.stdout
        else:
            self._stream = sys.stderr
            self._levels_for_journal = "JOURNAL_STREAM" in os.environ
            self._journal = journal_of(2)

    def use_stream(self) -> None:
        """Write to the stream from now on, because the process is about to end.

        The journal looks up the unit of a native line when it reads it. A process that has ended by
        then has no unit, and `systemctl status` would not show its last lines.
        """
        self._journal = None

    def debug(self, message: str, **values: object) -> None:
        self._write("debug", message, values)

    def info(self, message: str, **values: object) -> None:
        self._write("info", message, values)

    def warning(self, message: str, **values: object) -> None:
        self._write("warning", message, values)

    def error(self, message: str, **values: object) -> None:
        self._write("error", message, values)

    def outcome(self, message: str, *, is_bad: bool, **values: object) -> None:
        """What became of an item: an error where that is bad, else information."""
        level: Level = "info"
        if is_bad:
            level = "error"
        self._write(level, message, values)

    def _write(self, level: Level, message: str, values: dict[str, object]) -> None:
        if _ORDER[level] < _ORDER[self.level]:
            return
        known = {name: value for name, value in values.items() if value is not None}
        if self._journal is not None and self._journal.send(self._fields(level, message, known)):
            return
        try:
            self._stream.write(self._line(level, message, known))
            self._stream.flush()
        except OSError:
            # A closed terminal or a full disk: the work continues without a log.
            return

    def _line(self, level: Level, message: str, values: dict[str, object]) -> str:
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if self._as_json:
            line = {"at": at, "stage": self._stage, "level": level, "message": message}
            return json.dumps(line | {name: _plain(value) for name, value in values.items()}) + "\n"
        text = _text(message, values)
        if self._levels_for_journal:
            return f"<{_JOURNAL[level]}>{text}\n"
        return f"{at} {self._stage} {level}: {text}\n"

    def _fields(self, level: Level, message: str, values: dict[str, object]) -> dict[str, str]:
        fields = {
            "MESSAGE": _text(message, values),
            "PRIORITY": str(_JOURNAL[level]),
            "SYSLOG_IDENTIFIER": f"compliance-agent-{self._stage}",
            "STAGE": self._stage,
            "EVENT": one_line(message),
        }
        if "scan_id" in values:
            fields["SCAN_ID"] = one_line(str(values["scan_id"]))
        return fields


def _text(message: str, values: dict[str, object]) -> str:
    """The fact, then its values."""
    return " ".join([one_line(message), *(f"{name}={quoted(v)}" for name, v in values.items())])


def _plain(value: object) -> int | float | str:
    """A value as JSON has it: numbers stay numbers, everything else is text."""
    if isinstance(value, int | float):
        return value
    return str(value)


def quoted(value: object) -> str:
    """A value as it stands behind `name=`."""
    text = str(value)
    if isinstance(value, bool):
        text = text.lower()
    if text.isprintable() and _NEEDS_NO_QUOTES.fullmatch(text):
        return text
    return one_line(json.dumps(text, ensure_ascii=False))
