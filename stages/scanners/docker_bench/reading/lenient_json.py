"""Docker Bench's JSON, where it is only nearly JSON.

Finds the keys by the layout that the scanner prints (`layout`) and takes as a value whatever stands before the
next key. So it reads values with quotes and backslashes in them, several results in one test (each is taken in,
the worst stands), missing commas and brackets, and a file that ends anywhere: what was printed is read, what was
not is missing.
"""

import re
from itertools import chain, pairwise

from stages.scanners.docker_bench.reading.bench_layout import NUMBER_KEY, keys
from stages.scanners.docker_bench.reading.bench_output import WORDS, Output, check_id
from stages.scanners.docker_bench.reading.check_fields import (
    Fields,
    add_check,
    add_flat,
    add_group,
    number_within,
)
from stages.scanners.docker_bench.reading.finding_text import optional_line

_AROUND = " \t\r\n,{}[]"
_BETWEEN_ITEMS = re.compile(r'"[ \t\r\n]*,[ \t\r\n]*"')
_LIST_OF_OBJECTS = re.compile(r"\[[ \t\r\n]*\{")
_TORN_KEY = re.compile(r',[ \t\r\n]*"[a-z-]{0,20}"?[ \t]*:?[ \t]*\Z')
_DIGITS = re.compile(r"\d{1,12}(?![\d.eE])")


def read_leniently(payload: bytes) -> Output:
    """The run as far as it can be made out; without a check where there is none."""
    text = payload.decode("utf-8-sig", errors="replace")
    # The beginning of a key that the file ends in would be read as the end of the value before it.
    text = text[:-100] + _TORN_KEY.sub("", text[-100:])
    reader = _LenientReader()
    for (key, _, start), (_, end, _) in pairwise(chain(keys(text), [("", len(text), len(text))])):
        reader.take(key, text[start:end])
    return reader.finish()


class _LenientReader:
    """Takes keys and values in their order; an `id` opens the next check or group."""

    def __init__(self) -> None:
        self._output = Output()
        self._group: str | None = None
        self._open: dict[str, str] = {}

    def take(self, key: str, value: str) -> None:
        if NUMBER_KEY.fullmatch(key):
            add_flat(self._output, key, [_string(value)])
        elif key == "id":
            self._close()
            # Torn in the middle of a number, it would be another check's number.
            self._open = {key: value} if _ends(value) else {}
        elif key == "results":
            self._open_group(may_have_result=False)
        elif key == "items" and _LIST_OF_OBJECTS.match(value):
            self._open_group(may_have_result=True)
        elif key == "result" and key in self._open:
            self._take_next_result(value)
        elif not self._take_of_the_run(key, value):
            self._open.setdefault(key, value)

    def finish(self) -> Output:
        if self._output.end is None:
            self._output.torn = check_id(self._fields().get("id"))
        self._close()
        return self._output

    def _close(self) -> None:
        """Take in the check that is open, if one is."""
        fields = self._fields()
        number = check_id(fields.get("id"))
        inside = (
            number is not None and self._group is not None and number.startswith(self._group + ".")
        )
        items = _items(self._open["items"]) if "items" in self._open else None
        if (fields.get("result") or "").strip().upper() not in WORDS:
            fields.pop("result", None)
        add_check(self._output, fields, items, self._group if inside else None)
        self._open = {}

    def _take_next_result(self, value: str) -> None:
        """A further result of the same test, printed straight behind the last."""
        test = {key: text for key, text in self._open.items() if key in ("id", "desc")}
        self._close()
        self._open = test | {"result": value}

    def _open_group(self, *, may_have_result: bool) -> None:
        # The scanner's own groups have no result: here a name pretends, and the check must not get lost.
        if "result" in self._open and not may_have_result:
            return
        self._group = add_group(self._output, self._fields())
        self._open = {}

    def _take_of_the_run(self, key: str, value: str) -> bool:
        output, digits = self._output, _DIGITS.match(value)
        number = number_within(int(digits[0])) if digits else None
        if key in ("dockerbenchsecurity", "dockerbenchsec_version"):
            output.version = output.version or optional_line(_string(value), 40)
        elif key == "start":
            output.start = output.start or number
        elif key == "end":
            output.end = output.end or number
        elif key == "checks":
            output.counted = output.counted or number
        else:
            return False
        return True

    def _fields(self) -> Fields:
        return {key: _string(value) for key, value in self._open.items()}


def _string(value: str) -> str:
    """The text between the first quote and the last; without a last quote the file is torn there."""
    text = value.strip().removeprefix('"')
    return text.rstrip(_AROUND)[:-1] if _ends(text) else text


def _ends(value: str) -> bool:
    return value.rstrip(_AROUND).endswith('"')


def _items(value: str) -> list[str]:
    inside = value.strip().removeprefix("[").strip().rstrip(_AROUND)
    return [
        name for name in _BETWEEN_ITEMS.split(inside.removeprefix('"').removesuffix('"')) if name
    ]
