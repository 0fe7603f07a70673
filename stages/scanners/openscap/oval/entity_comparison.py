"""Whether a value is what an entity expects, where that is certain. Pure.

The recorded results of a test are those of whole items. Of an item that has several fields this
finds out which of them are as expected, so that only the others are reported.

Security: patterns come from content. Only those without repetition and with few alternatives are
tried, so that none of them can take long.
"""

import re
from collections.abc import Callable, Sequence

from stages.scanners.openscap.oval.oval_model import Entity

_MAX_PATTERN = 200
_MAX_ALTERNATIVES = 10
_COSTLY = re.compile(r"[*+{?]|\\[1-9]")
_TRUE = frozenset(("true", "1"))
_NUMERIC: dict[str, Callable[[int, int], bool]] = {
    "greater than": lambda actual, expected: actual > expected,
    "less than": lambda actual, expected: actual < expected,
    "greater than or equal": lambda actual, expected: actual >= expected,
    "less than or equal": lambda actual, expected: actual <= expected,
}


def satisfies(actual: str, entity: Entity, values: Sequence[str] | None) -> bool | None:
    """Whether a value is as expected; None where that is not certain."""
    if values is None or len(values) != 1:
        return None
    expected = values[0]
    if entity.datatype not in ("string", "int", "boolean"):
        return None
    if entity.operation == "pattern match":
        return _matches(expected, actual)
    if entity.datatype == "int":
        return _compare_numbers(entity.operation, actual, expected)
    if entity.datatype == "boolean":
        return _compare(entity.operation, actual in _TRUE, expected in _TRUE)
    return _compare(entity.operation, actual, expected)


def _compare_numbers(operation: str, actual: str, expected: str) -> bool | None:
    try:
        numbers = int(actual), int(expected)
    except ValueError:
        return None
    if operation in _NUMERIC:
        return _NUMERIC[operation](*numbers)
    return _compare(operation, *numbers)


def _compare(operation: str, actual: str | int, expected: str | int) -> bool | None:
    if operation == "equals":
        return actual == expected
    if operation == "not equal":
        return actual != expected
    return None


def _matches(pattern: str, actual: str) -> bool | None:
    if len(pattern) > _MAX_PATTERN or pattern.count("|") > _MAX_ALTERNATIVES:
        return None
    if _COSTLY.search(pattern):
        return None
    try:
        return re.search(pattern, actual) is not None
    except re.error:
        return None
