"""Docker Bench's JSON, where it is valid JSON.

Reads what 1.3.5 to 1.6 print (`tests[].results[]`), the agent specification's own struct
(`tests[].items[]`), the list without groups that `-c` gives, and the flat object of 1.3.4 and
earlier (`"4.6": "WARN: name"`, the same key again for every name).

The layout does not matter, except that the scanner's own shows more: since it escapes nothing, a
name with quotes in it can add keys. Where all lines are as the scanner prints them, more keys than
lines have room for are refused like any other damage, and the lenient reader takes over. In another
layout they are read as they are: a repeated result is a further result of the same check, of which
the worst counts, and tests are read under every key. So a name can add checks and make results
worse; it cannot hide a check or improve its result.

*Security*: nesting too deep, numbers too long, NaN and Infinity are refused. Python's own decoder
is used because it reports a key that comes twice.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from stages.scanners.docker_bench.reading.bench_layout import (
    KEYS,
    NUMBER_KEY,
    is_layout_of_scanner,
    keys,
)
from stages.scanners.docker_bench.reading.bench_output import (
    BenchOutput,
    BrokenJSONError,
    check_id,
)
from stages.scanners.docker_bench.reading.check_fields import (
    Fields,
    add_check,
    add_flat_results,
    add_group,
    number_within,
)
from stages.scanners.docker_bench.reading.finding_text import optional_line

_MAX_ERROR = 200
_MAX_VERSION = 40


class _Object(dict[str, Any]):
    """One object. A key that comes again, and what follows it, is in a further object."""

    def __init__(self) -> None:
        super().__init__()
        self.repeats: list[_Object] = []


def read_strictly(payload: bytes) -> BenchOutput:
    """The run that the JSON describes. Raises BrokenJSONError."""
    objects = _ObjectReader()
    try:
        text = payload.decode("utf-8-sig")
        value = json.loads(
            text,
            object_pairs_hook=objects.read_object,
            parse_constant=_refuse_constant,
            parse_int=_whole_number,
        )
        # A container called `x","result":"PASS` makes JSON that is valid, with a key more than the
        # lines that the scanner printed.
        if is_layout_of_scanner(text) and len(list(keys(text))) != objects.known_keys:
            raise BrokenJSONError("a value holds keys of its own")
        return _read_output(value)
    except RecursionError:
        raise BrokenJSONError("nested too deep") from None
    except ValueError as error:
        raise BrokenJSONError(" ".join(str(error).split())[:_MAX_ERROR]) from None


class _ObjectReader:
    """Builds objects and counts the keys that have a meaning."""

    def __init__(self) -> None:
        self.known_keys = 0

    def read_object(self, pairs: list[tuple[str, Any]]) -> _Object:
        result = latest = _Object()
        for key, value in pairs:
            if NUMBER_KEY.fullmatch(key):
                # The flat layout repeats a check's number for each of its results.
                self.known_keys += 1
                result.setdefault(key, []).append(value)
                continue
            if key in KEYS:
                self.known_keys += 1
            if key in latest:
                latest = _Object()
                result.repeats.append(latest)
            latest[key] = value
        return result


def _refuse_constant(name: str) -> NoReturn:
    raise BrokenJSONError(f"{name} is not a number")


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        # Python's own message advises on how to program.
        raise BrokenJSONError(f"a number of {len(digits)} digits") from None


def _read_output(value: object) -> BenchOutput:
    top = _Object()
    if isinstance(value, _Object):
        top = value
    else:
        top["tests"] = value
    version = _text(top.get("dockerbenchsecurity", top.get("dockerbenchsec_version")))
    output = BenchOutput(
        version=optional_line(version, _MAX_VERSION),
        start=number_within(top.get("start")),
        end=number_within(top.get("end")),
        reported_count=number_within(top.get("checks")),
    )
    for key, values in top.items():
        if NUMBER_KEY.fullmatch(key):
            add_flat_results(output, key, [_text(value) for value in values])
    _add_nested(output, top, None)
    return output


def _add_nested(output: BenchOutput, parent: _Object, group: str | None) -> None:
    """The tests in the lists of an object, whatever their keys: a key may be a part of a name."""
    for part in (parent, *parent.repeats):
        for value in part.values():
            for test in _objects(value):
                _add_test(output, test, group)


def _add_test(output: BenchOutput, test: _Object, group: str | None) -> None:
    """A group with its checks, or a check. Each repeated result is a further one of the check."""
    if isinstance(test.get("results"), list) or check_id(_text(test.get("id"))) is None:
        number = add_group(output, _fields(test))
        _add_nested(output, test, number or group)
        return
    _add_result(output, test, group)
    for part in test.repeats:
        _add_result(output, part | {"id": test["id"], "desc": test.get("desc")}, group)
    _add_nested(output, test, group)


def _add_result(output: BenchOutput, result: dict[str, Any], group: str | None) -> None:
    add_check(output, _fields(result), _names(result.get("items")), group)


def _names(items: object) -> Sequence[str] | None:
    if not isinstance(items, list):
        return None
    return list(filter(None, map(_text, items)))


def _fields(test: dict[str, Any]) -> Fields:
    return {key: _text(value) for key, value in test.items()}


def _text(value: object) -> str:
    """A string; empty for any other value."""
    if isinstance(value, str):
        return value
    return ""


def _objects(value: object) -> list[_Object]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, _Object)]
