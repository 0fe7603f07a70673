"""Whether a text is allowed for a Value of a benchmark: its type, choices, bounds, pattern. Pure.

A type that the benchmark's own values do not keep is not enforced: authors have booleans that are
`on` and `off`. Nor is a pattern that could take exponential time to match.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from stages.scap.benchmark_items import ValueItem

T = TypeVar("T")

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TYPES = {"number": _NUMBER, "boolean": re.compile(r"true|false|1|0")}
_REPEATED_GROUP = re.compile(r"\)\??[*+{]")
_MOST_NAMED = 8


def why_not_allowed(value: ValueItem, text: str, selector: str = "") -> str | None:
    """The reason, as what follows the text; None where it is allowed."""
    choices = _of(value.choices, selector)
    if choices and choices.must_match and text not in choices.texts:
        return f"is none of its choices ({_named(choices.texts)})"
    type_ = _TYPES.get(value.type)
    if type_ and not type_.fullmatch(text) and _keeps_type(value, type_):
        return f"is not a {value.type}{_offered(value)}"
    pattern = _of(value.match, selector)
    if pattern and not _matches(pattern, text):
        return f"does not match {pattern}{_offered(value)}"
    return _out_of_bounds(value, text, selector)


def offered(value: ValueItem) -> str:
    """The texts that the benchmark itself has for a value, in its order."""
    return _named(tuple(dict.fromkeys(value.texts.values())))


def _of(parts: Mapping[str, T], selector: str) -> T | None:
    return parts.get(selector, parts.get(""))


def _keeps_type(value: ValueItem, type_: re.Pattern[str]) -> bool:
    return all(type_.fullmatch(text) for text in value.texts.values())


def _matches(pattern: str, text: str) -> bool:
    if _REPEATED_GROUP.search(pattern):
        return True
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def _out_of_bounds(value: ValueItem, text: str, selector: str) -> str | None:
    if value.type != "number" or not _NUMBER.fullmatch(text):
        return None
    lower, upper = _of(value.lower, selector), _of(value.upper, selector)
    if lower and _NUMBER.fullmatch(lower) and float(text) < float(lower):
        return f"is less than {lower}, its lower bound"
    if upper and _NUMBER.fullmatch(upper) and float(text) > float(upper):
        return f"is more than {upper}, its upper bound"
    return None


def _offered(value: ValueItem) -> str:
    if not value.texts:
        return ""
    return f": the benchmark has {offered(value)}"


def _named(texts: tuple[str, ...]) -> str:
    shown = ", ".join(text or "''" for text in texts[:_MOST_NAMED])
    if len(texts) > _MOST_NAMED:
        return f"{shown} and {len(texts) - _MOST_NAMED} more"
    return shown
