"""Whether a text is allowed for a Value of a benchmark: its type, choices, bounds, pattern. Pure.

Two checks are left out. A type is not enforced where the benchmark's own texts do not have it:
some authors declare a boolean whose texts are `on` and `off`. A pattern that repeats a group is not
matched: that could take exponential time.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from stages.scap.benchmark_items import ValueItem

T = TypeVar("T")

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TYPES = {"number": _NUMBER, "boolean": re.compile(r"true|false|1|0")}
_REPEATED_GROUP = re.compile(r"\)\??[*+{]")
_MOST_LISTED = 8


def why_not_allowed(value: ValueItem, text: str, selector: str = "") -> str | None:
    """The reason, to follow the text in a sentence; None where the text is allowed."""
    choices = _for_selector(value.choices, selector)
    if choices and choices.must_match and text not in choices.texts:
        return f"is not one of its choices ({_listed(choices.texts)})"
    if not _has_type(value, text):
        return f"is not a {value.type}{_offer(value)}"
    pattern = _for_selector(value.match, selector)
    if pattern and not _matches(pattern, text):
        return f"does not match {pattern}{_offer(value)}"
    if value.type == "number" and _NUMBER.fullmatch(text):
        return _out_of_bounds(value, float(text), selector)
    return None


def offered(value: ValueItem) -> str:
    """The texts that the benchmark itself has for a value, in its order."""
    return _listed(tuple(dict.fromkeys(value.texts.values())))


def _for_selector(parts: Mapping[str, T], selector: str) -> T | None:
    """The part with that selector, else the one without a selector."""
    return parts.get(selector, parts.get(""))


def _has_type(value: ValueItem, text: str) -> bool:
    type_ = _TYPES.get(value.type)
    if type_ is None or type_.fullmatch(text):
        return True
    follows_type = all(type_.fullmatch(own) for own in value.texts.values())
    return not follows_type


def _matches(pattern: str, text: str) -> bool:
    if _REPEATED_GROUP.search(pattern):
        return True
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def _out_of_bounds(value: ValueItem, number: float, selector: str) -> str | None:
    lower = _for_selector(value.lower, selector) or ""
    if _NUMBER.fullmatch(lower) and number < float(lower):
        return f"is less than {lower}, its lower bound"
    upper = _for_selector(value.upper, selector) or ""
    if _NUMBER.fullmatch(upper) and number > float(upper):
        return f"is more than {upper}, its upper bound"
    return None


def _offer(value: ValueItem) -> str:
    if not value.texts:
        return ""
    return f": the benchmark has {offered(value)}"


def _listed(texts: tuple[str, ...]) -> str:
    shown = ", ".join(text or "''" for text in texts[:_MOST_LISTED])
    if len(texts) > _MOST_LISTED:
        return f"{shown} and {len(texts) - _MOST_LISTED} more"
    return shown
