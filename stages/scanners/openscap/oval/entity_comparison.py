"""Whether a value is as an entity expects, where that is certain. Pure.

The results of a test are recorded for whole items. This finds out which fields of an item are as
expected, so that only the others are reported.

Security: patterns come from content. Only those without repetition and with few alternatives are
tried, so that none of them can take long.
"""

import operator
import re
from collections.abc import Callable, Sequence

from stages.scanners.openscap.oval.oval_model import Entity

_MAX_PATTERN = 200
_MAX_ALTERNATIVES = 10
_COSTLY = re.compile(r"[*+{?]|\\[1-9]")
_TRUE = frozenset(("true", "1"))
_COMPARED_TYPES = frozenset(("string", "int", "boolean"))
_ON_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "equals": operator.eq,
    "not equal": operator.ne,
    "greater than": operator.gt,
    "less than": operator.lt,
    "greater than or equal": operator.ge,
    "less than or equal": operator.le,
}
_ON_TEXTS: dict[str, Callable[[str, str], bool]] = {"equals": operator.eq, "not equal": operator.ne}
"""OVAL's other operations on texts (case-insensitive ones, versions) are left undecided."""


def satisfies(actual: str, entity: Entity, values: Sequence[str] | None) -> bool | None:
    """Whether a value is as expected; None where that is not certain."""
    if values is None or len(values) != 1:
        return None
    if entity.datatype not in _COMPARED_TYPES:
        return None
    expected = values[0]
    if entity.operation == "pattern match":
        return _matches(expected, actual)
    if entity.datatype == "int":
        return _compare_numbers(entity.operation, actual, expected)
    if entity.datatype == "boolean":
        return _compare_numbers(entity.operation, _bit(actual), _bit(expected))
    if entity.operation not in _ON_TEXTS:
        return None
    return _ON_TEXTS[entity.operation](actual, expected)


def _bit(text: str) -> str:
    """OVAL writes a boolean as a word or as a digit."""
    if text in _TRUE:
        return "1"
    return "0"


def _compare_numbers(operation: str, actual: str, expected: str) -> bool | None:
    if operation not in _ON_NUMBERS:
        return None
    try:
        numbers = int(actual), int(expected)
    except ValueError:
        return None
    return _ON_NUMBERS[operation](*numbers)


def _matches(pattern: str, actual: str) -> bool | None:
    is_long = len(pattern) > _MAX_PATTERN or pattern.count("|") > _MAX_ALTERNATIVES
    if is_long or _COSTLY.search(pattern):
        return None
    try:
        return re.search(pattern, actual) is not None
    except re.error:
        return None
