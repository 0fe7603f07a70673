"""Settings from plain values, such as YAML holds, and what is wrong with them. Pure.

Promises: all problems are reported at once, each with its path (`server.url`). An unknown key is a
problem and names the nearest known one; where that is a section, its content is checked as well, so
that one misspelt name hides no other problem. Where there are problems, defaults stand in, and the
settings must not be used.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from schemas.expected import expectation, is_too_long, item_kind, kind_of, mismatch
from schemas.records import Record, Section

R = TypeVar("R", bound=Record)


class KeyProblem(Record, frozen=True):
    """What is wrong with a key of a mapping, or with the mapping itself (`key` is None)."""

    key: str | None
    """Of the settings its path, `compliance.openscap.scans[1].profile`."""
    message: str
    line: int | None = None
    """In the file, from 1; None where it is not known, or the key is not in the file."""

    def __str__(self) -> str:
        text = self.message
        if self.key is not None:
            text = f"{self.key}: {text}"
        if self.line is not None:
            text = f"{text} (line {self.line})"
        return text


def check_settings(values: object, record: type[R]) -> tuple[R, list[KeyProblem]]:
    """Settings from plain values, and all problems."""
    checker = _Checker()
    settings = checker.section(values, record, "")
    return settings, checker.problems


def every_key(record: type[Record], path: str = "") -> Iterator[tuple[str, Any]]:
    """All keys by their full path, each with its default."""
    for field in msgspec.structs.fields(record):
        section = _section(field.type)
        if section is not None:
            yield from every_key(section, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", field.default


def unknown_keys(values: object, record: type[Record]) -> list[KeyProblem]:
    """Keys of a mapping that its record does not have, each with a suggestion."""
    if not isinstance(values, Mapping):
        return []
    known = _types(record)
    return [_unknown(key, known) for key in values if key not in known]


def value_problem(value: object, kind: Any) -> str | None:
    """What is wrong with the value of one key; None if it is of that kind."""
    if isinstance(value, str) and not value.isprintable():
        return "contains characters that can't be printed"
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return mismatch(value, kind)
    return None


class _Checker:
    """Collects the problems of one file."""

    def __init__(self) -> None:
        self.problems: list[KeyProblem] = []

    def section(self, values: object, record: type[R], path: str) -> R:
        """A section and its sub-sections; `path` is the prefix of its keys."""
        if values is None:
            return record()
        section = record(**self._fields(values, record, path))
        if isinstance(section, Section):
            for key, message in section.conflicts():
                self.problems.append(KeyProblem(f"{path}{key}", message))
        return section

    def _fields(self, values: object, record: type[Record], path: str) -> dict[str, Any]:
        """The values of a record's keys that have no problems."""
        if not isinstance(values, Mapping):
            where = path.rstrip(".") or "the file"
            message = f"must be a mapping of keys, is {kind_of(values)}"
            self.problems.append(KeyProblem(where, message))
            return {}
        known = _types(record)
        fields: dict[str, Any] = {}
        for key, value in values.items():
            if key in known:
                self._take(fields, key, value, known[key], f"{path}{key}")
            else:
                self._unknown(key, value, known, path)
        return fields

    def _unknown(self, key: object, value: object, known: Mapping[str, Any], path: str) -> None:
        """A section with a misspelt name has problems of its own."""
        problem = _unknown(key, known)
        self.problems.append(KeyProblem(f"{path}{problem.key}", problem.message))
        near = _nearest(key, known)
        if near is None:
            return
        section = _section(known[near])
        if section is not None:
            self.section(value, section, f"{path}{key}.")

    def _take(self, fields: dict[str, Any], name: str, value: object, kind: Any, path: str) -> None:
        """Add the value of one key to the fields of its section, unless it has problems."""
        section = _section(kind)
        if section is not None:
            fields[name] = self.section(value, section, f"{path}.")
            return
        item = _section(item_kind(kind))
        if item is not None and isinstance(value, list):
            fields[name] = self._items(value, item, path)
            if is_too_long(value, kind):
                self.problems.append(KeyProblem(path, mismatch(value, kind)))
            return
        found = list(_mismatches(value, kind, path))
        self.problems += found
        if not found:
            fields[name] = msgspec.convert(value, kind)

    def _items(self, values: list[object], item: type[Record], path: str) -> tuple[Record, ...]:
        """A list of records, such as scans.

        One that has problems stays in its place, with None for what it lacks, so that the problems
        of the others are found under their own numbers.
        """
        found: list[Record] = []
        for number, each in enumerate(values):
            place = f"{path}[{number}]."
            given = self._fields(each, item, place)
            lacking = {field.name: None for field in msgspec.structs.fields(item) if field.required}
            if isinstance(each, Mapping):
                self._report_missing(each, item, lacking.keys(), place)
            found.append(item(**{**lacking, **given}))
        return tuple(found)

    def _report_missing(
        self,
        values: Mapping[Any, object],
        record: type[Record],
        required: Iterable[str],
        path: str,
    ) -> None:
        """The keys without a default that are not there, also not under a misspelt name."""
        known = _types(record)
        misspelt = {_nearest(key, known) for key in values if key not in known}
        for name in required:
            if name not in {*values, *misspelt}:
                message = f"is missing, it must be {expectation(known[name])}"
                self.problems.append(KeyProblem(f"{path}{name}", message))


def _mismatches(value: object, kind: Any, path: str) -> Iterator[KeyProblem]:
    """What is wrong with one value, and with each item of a list."""
    item = item_kind(kind)
    if item is not None and isinstance(value, list):
        problems: list[KeyProblem] = []
        for number, each in enumerate(value):
            problems += _mismatches(each, item, f"{path}[{number}]")
        if problems:
            yield from problems
            return
    problem = value_problem(value, kind)
    if problem is not None:
        yield KeyProblem(path, problem)


def _types(record: type[Record]) -> dict[str, Any]:
    """The type of each key."""
    return {field.name: field.type for field in msgspec.structs.fields(record)}


def _section(kind: object) -> type[Record] | None:
    """The record of a section; None for the type of a single value."""
    if isinstance(kind, type) and issubclass(kind, Record):
        return kind
    return None


def _nearest(key: object, known: Mapping[str, object]) -> str | None:
    import difflib  # only a mistake needs it

    return next(iter(difflib.get_close_matches(str(key), known, n=1)), None)


def _unknown(key: object, known: Mapping[str, object]) -> KeyProblem:
    near = _nearest(key, known)
    suggestion = f"known here: {', '.join(known)}"
    if near is not None:
        suggestion = f"did you mean {near}?"
    return KeyProblem(_shown(key), f"no such key; {suggestion}")


def _shown(key: object) -> str:
    if str(key).isprintable():
        return str(key)
    return ascii(key)
