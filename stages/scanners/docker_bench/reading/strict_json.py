"""Docker Bench's JSON, where it is JSON.

Reads what 1.3.5 to 1.6 print (`tests[].results[]`), the agent specification's own struct (`tests[].items[]`), the
list without groups that `-c` gives, and the flat object of 1.3.4 and earlier (`"4.6": "WARN: name"`, the same
key again for every name).

JSON that decodes may still not be what the scanner meant, since it escapes nothing: a name with quotes in it can
add keys. So a key that comes twice, and more keys than the printed layout has, are refused like any other
damage, and the lenient reader takes over.

*Security*: nesting too deep, numbers too long, NaN and Infinity are refused. Python's own decoder is used
because it shows a key that comes twice.
"""

import json
from typing import Any, NoReturn

from stages.scanners.docker_bench.reading.bench_layout import KEYS, NUMBER_KEY, keys
from stages.scanners.docker_bench.reading.bench_output import BrokenJSONError, Output
from stages.scanners.docker_bench.reading.check_fields import (
    Fields,
    add_check,
    add_flat,
    add_group,
    number_within,
)
from stages.scanners.docker_bench.reading.finding_text import optional_line


def read_strictly(payload: bytes) -> Output:
    """The run that the JSON describes. Raises BrokenJSONError."""
    decoder = _Decoder()
    try:
        text = payload.decode("utf-8-sig")
        value = json.loads(
            text, object_pairs_hook=decoder.make_object, parse_constant=_not_a_number
        )
    except RecursionError:
        raise BrokenJSONError("nested too deep") from None
    except ValueError as error:
        raise BrokenJSONError(" ".join(str(error).split())[:200]) from None
    if sum(1 for _ in keys(text)) != decoder.keys:
        raise BrokenJSONError("a value holds keys of its own")
    return _output(value)


class _Decoder:
    """Makes objects, counts the keys that have a meaning, and refuses one that comes twice."""

    def __init__(self) -> None:
        self.keys = 0

    def make_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if NUMBER_KEY.fullmatch(key):
                self.keys += 1
                result.setdefault(key, []).append(value)
                continue
            self.keys += key in KEYS
            if key in result:
                raise BrokenJSONError(f"the key {key[:40]!r} comes twice")
            result[key] = value
        return result


def _not_a_number(name: str) -> NoReturn:
    raise BrokenJSONError(f"{name} is no number")


def _output(value: object) -> Output:
    top: dict[str, Any] = value if isinstance(value, dict) else {"tests": value}
    version = _string(top.get("dockerbenchsecurity")) or _string(top.get("dockerbenchsec_version"))
    output = Output(
        version=optional_line(version, 40),
        start=number_within(top.get("start")),
        end=number_within(top.get("end")),
        counted=number_within(top.get("checks")),
    )
    for key, values in top.items():
        if NUMBER_KEY.fullmatch(key):
            add_flat(output, key, [_string(entry) for entry in values])
    for test in _objects(top.get("tests")):
        _add_test(output, test)
    return output


def _add_test(output: Output, test: dict[str, Any]) -> None:
    """A group with its checks, or (with `-c`) a check that stands alone."""
    results = test.get("results")
    # An item that is an object and no check is something that a name has made: the check must not get lost.
    members = [item for item in _objects(test.get("items")) if "id" in item and "result" in item]
    if not isinstance(results, list) and not members:
        _add_result(output, test, None)
        return
    group = add_group(output, _fields(test))
    for result in [*_objects(results), *members]:
        _add_result(output, result, group)


def _add_result(output: Output, result: dict[str, Any], group: str | None) -> None:
    items = result.get("items")
    names = [name for name in map(_string, items) if name] if isinstance(items, list) else None
    add_check(output, _fields(result), names, group)


def _fields(test: dict[str, Any]) -> Fields:
    return {key: _string(value) for key, value in test.items()}


def _string(value: object) -> str | None:
    """Text: a string, or a number that was meant as one."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
