"""Docker Bench's JSON, where it is only nearly JSON.

Finds the keys by the layout that the scanner prints (`bench_layout`) and takes as a value whatever
stands before the next key. So it reads values with quotes and backslashes in them, several results
in one test (each is taken in, the worst counts), missing commas and brackets, and a file that ends
anywhere: what was printed is read, what was not is missing. An example:

    "id": "2.1", "desc": "say "hi" \\ all", "result": "WA

is the check 2.1 with the description `say "hi" \\ all` and without a result, for `WA` is not one.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from stages.scanners.docker_bench.reading.bench_layout import NUMBER_KEY, keys
from stages.scanners.docker_bench.reading.bench_output import BenchOutput, BenchResult, check_id
from stages.scanners.docker_bench.reading.check_fields import (
    Fields,
    add_check,
    add_flat_results,
    add_group,
    number_within,
)
from stages.scanners.docker_bench.reading.finding_text import optional_line

_AROUND = " \t\r\n,{}[]"
_BETWEEN_ITEMS = re.compile(r'"[ \t\r\n]*,[ \t\r\n]*"')
_LIST_OF_OBJECTS = re.compile(r"\[[ \t\r\n]*\{")
_PARTIAL_KEY = re.compile(r',[ \t\r\n]*"[a-z-]{0,20}"?[ \t]*:?[ \t]*\Z')
_MAX_PARTIAL_KEY = 100
_DIGITS = re.compile(r"\d{1,12}(?![\d.eE])")
_MAX_VERSION = 40
_KEYS_OF_RUN = frozenset(
    ("dockerbenchsecurity", "dockerbenchsec_version", "start", "end", "checks")
)


def read_leniently(payload: bytes) -> BenchOutput:
    """The run as far as it can be recognized; it may have no check."""
    text = payload.decode("utf-8-sig", errors="replace")
    # The part of a key that the file ends in would be read as the end of the value before it.
    end = text[-_MAX_PARTIAL_KEY:]
    text = text[:-_MAX_PARTIAL_KEY] + _PARTIAL_KEY.sub("", end)
    reader = _LenientReader()
    for key, value in _keys_and_values(text):
        reader.add(key, value)
    return reader.finish()


def _keys_and_values(text: str) -> Iterator[tuple[str, str]]:
    end_of_file = ("", len(text), len(text))
    for (key, _, value_start), (_, value_end, _) in pairwise([*keys(text), end_of_file]):
        yield key, text[value_start:value_end]


class _LenientReader:
    """Takes keys and values in their order; an `id` starts the next check or group."""

    def __init__(self) -> None:
        self._output = BenchOutput()
        self._group: str | None = None
        self._run: dict[str, str] = {}
        """The values of the whole run, the first of each."""
        self._values: dict[str, str] = {}
        """The values of the check or group that is being read."""

    def add(self, key: str, value: str) -> None:
        if NUMBER_KEY.fullmatch(key):
            add_flat_results(self._output, key, [_text(value)])
        elif key == "id":
            self._start_check(value)
        elif key == "results":
            self._start_group(may_have_result=False)
        elif key == "items" and _LIST_OF_OBJECTS.match(value):
            self._start_group(may_have_result=True)
        elif key == "result" and key in self._values:
            self._add_next_result(value)
        elif key in _KEYS_OF_RUN:
            self._run.setdefault(key, value)
        else:
            self._values.setdefault(key, value)

    def finish(self) -> BenchOutput:
        output, run = self._output, self._run
        version = run.get("dockerbenchsecurity", run.get("dockerbenchsec_version", ""))
        output.version = optional_line(_text(version), _MAX_VERSION)
        output.start = _number(run.get("start", ""))
        output.end = _number(run.get("end", ""))
        output.reported_count = _number(run.get("checks", ""))
        if output.end is None:
            output.truncated_check = check_id(self._fields().get("id", ""))
        self._finish_check()
        return output

    def _start_check(self, number: str) -> None:
        self._finish_check()
        # A number that is cut off would be that of another check.
        if _is_complete(number):
            self._values = {"id": number}

    def _finish_check(self) -> None:
        """Take in the check that is being read, if there is one."""
        fields = self._fields()
        if fields.get("result", "").strip().upper() not in BenchResult.__members__:
            fields.pop("result", None)
        items = None
        if "items" in self._values:
            items = _items(self._values["items"])
        add_check(self._output, fields, items, self._group_of(fields))
        self._values = {}

    def _group_of(self, fields: Fields) -> str | None:
        """The current group, if the check's number is one of that group."""
        number = fields.get("id", "").strip().upper()
        if self._group is None or not number.startswith(f"{self._group}."):
            return None
        return self._group

    def _add_next_result(self, value: str) -> None:
        """A further result of the same test, printed straight behind the last."""
        test = {key: text for key, text in self._values.items() if key in ("id", "desc")}
        self._finish_check()
        self._values = test | {"result": value}

    def _start_group(self, *, may_have_result: bool) -> None:
        # The scanner's own groups have no result. One that has is a check whose name holds the
        # text `"results":`, and the check must not get lost.
        if "result" in self._values and not may_have_result:
            return
        self._group = add_group(self._output, self._fields())
        self._values = {}

    def _fields(self) -> Fields:
        return {key: _text(value) for key, value in self._values.items()}


def _number(value: str) -> int | None:
    digits = _DIGITS.match(value)
    if digits is None:
        return None
    return number_within(int(digits[0]))


def _text(value: str) -> str:
    """The text between the first quote and the last; to the end where the last is missing."""
    text = value.strip().removeprefix('"')
    if _is_complete(text):
        return text.rstrip(_AROUND)[:-1]
    return text


def _is_complete(value: str) -> bool:
    """Whether a value has its closing quote: the file does not end within it."""
    return value.rstrip(_AROUND).endswith('"')


def _items(value: str) -> list[str]:
    inside = value.strip().removeprefix("[").strip().rstrip(_AROUND)
    names = _BETWEEN_ITEMS.split(inside.removeprefix('"').removesuffix('"'))
    return list(filter(None, names))
