"""Docker Bench's JSON, where it is valid JSON.

Reads what 1.3.5 to 1.6 print (`tests[].results[]`), the agent specification's own struct
(`tests[].items[]`), the list without groups that `-c` gives, and the flat object of 1.3.4 and
earlier (`"4.6": "WARN: name"`, the same key again for every name).

JSON that decodes may still not be what the scanner meant, since it escapes nothing: a name with
quotes in it can add keys. So a key that comes twice, and more keys than the printed layout has, are
refused like any other damage, and the lenient reader takes over.

*Security*: nesting too deep, numbers too long, NaN and Infinity are refused. Python's own decoder
is used because it shows a key that comes twice.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from stages.scanners.docker_bench.reading.bench_layout import KEYS, NUMBER_KEY, keys
from stages.scanners.docker_bench.reading.bench_output import BenchOutput, BrokenJSONError
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


def read_strictly(payload: bytes) -> BenchOutput:
    """The run that the JSON describes. Raises BrokenJSONError."""
    objects = _ObjectReader()
    try:
        text = payload.decode("utf-8-sig")
        value = json.loads(
            text, object_pairs_hook=objects.read_object, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise BrokenJSONError("nested too deep") from None
    except ValueError as error:
        raise BrokenJSONError(" ".join(str(error).split())[:_MAX_ERROR]) from None
    if len(list(keys(text))) != objects.known_keys:
        raise BrokenJSONError("a value holds keys of its own")
    return _read_output(value)


class _ObjectReader:
    """Builds objects, counts the keys that have a meaning, and refuses one that comes twice."""

    def __init__(self) -> None:
        self.known_keys = 0

    def read_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if NUMBER_KEY.fullmatch(key):
                # The flat layout repeats a check's number for each of its results.
                self.known_keys += 1
                result.setdefault(key, []).append(value)
                continue
            self.known_keys += key in KEYS
            if key in result:
                raise BrokenJSONError(f"the key {key[:40]!r} comes twice")
            result[key] = value
        return result


def _refuse_constant(name: str) -> NoReturn:
    raise BrokenJSONError(f"{name} is not a number")


def _read_output(value: object) -> BenchOutput:
    top: dict[str, Any] = {"tests": value}
    if isinstance(value, dict):
        top = value
    version = _text(top.get("dockerbenchsecurity")) or _text(top.get("dockerbenchsec_version"))
    output = BenchOutput(
        version=optional_line(version, _MAX_VERSION),
        start=number_within(top.get("start")),
        end=number_within(top.get("end")),
        reported_count=number_within(top.get("checks")),
    )
    for key, values in top.items():
        if NUMBER_KEY.fullmatch(key):
            add_flat_results(output, key, [_text(value) for value in values])
    for test in _objects(top.get("tests")):
        _add_test(output, test)
    return output


def _add_test(output: BenchOutput, test: dict[str, Any]) -> None:
    """A group with its checks, or (with `-c`) a check that stands alone."""
    results = test.get("results")
    # An object that is no check was made by a name; the check that it is in must not get lost.
    items = [one for one in _objects(test.get("items")) if "id" in one and "result" in one]
    if not isinstance(results, list) and not items:
        _add_result(output, test, None)
        return
    group = add_group(output, _fields(test))
    for result in [*_objects(results), *items]:
        _add_result(output, result, group)


def _add_result(output: BenchOutput, result: dict[str, Any], group: str | None) -> None:
    add_check(output, _fields(result), _names(result.get("items")), group)


def _names(items: object) -> Sequence[str] | None:
    if not isinstance(items, list):
        return None
    return list(filter(None, map(_text, items)))


def _fields(test: dict[str, Any]) -> Fields:
    return {key: _text(value) for key, value in test.items()}


def _text(value: object) -> str | None:
    """A string, or a number that was printed without quotes."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]
