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
_COSTLY = re.compile(r"[*+{?]|\\[1-9]|(?:\|[^|]*){11}")
"""Repetition, a back reference, or more than ten alternatives."""
_TRUE = frozenset(("true", "1"))
_ON_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "equals": operator.eq,
    "not equal": operator.ne,
    "greater than": operator.gt,
    "less than": operator.lt,
    "greater than or equal": operator.ge,
    "less than or equal": operator.le,
}
_ON_TEXTS: dict[tuple[str, str], Callable[[str, str], bool]] = {
    ("string", "equals"): operator.eq,
    ("string", "not equal"): operator.ne,
}
"""By datatype and operation. OVAL's other operations on texts (case-insensitive ones, versions) are
left undecided."""


def satisfies(actual: str, entity: Entity, values: Sequence[str]) -> bool:
    """Whether a value is certainly as expected."""
    if len(values) != 1:
        return False
    expected = values[0]
    if entity.operation == "pattern match":
        return _matches(expected, actual)
    if entity.datatype in _NUMBERS and entity.operation in _ON_NUMBERS:
        return _compare_numbers(entity, actual, expected)
    compare = _ON_TEXTS.get((entity.datatype, entity.operation))
    return compare is not None and compare(actual, expected)


def _compare_numbers(entity: Entity, actual: str, expected: str) -> bool:
    number = _NUMBERS[entity.datatype]
    try:
        return _ON_NUMBERS[entity.operation](number(actual), number(expected))
    except ValueError:
        return False


def _truth(text: str) -> int:
    """OVAL writes a boolean as a word or as a digit."""
    return text in _TRUE


_NUMBERS: dict[str, Callable[[str], int]] = {"int": int, "boolean": _truth}


def _matches(pattern: str, actual: str) -> bool:
    if len(pattern) > _MAX_PATTERN or _COSTLY.search(pattern):
        return False
    try:
        return re.search(pattern, actual) is not None
    except re.error:
        return False
