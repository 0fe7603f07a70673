"""The Values of a benchmark, and whether a text is allowed for one: type, choices, bounds, pattern.

Two checks are left out. A type is not enforced where the benchmark's own texts do not have it:
some authors declare a boolean whose texts are `on` and `off`. A pattern that repeats a group is not
matched, for that could take exponential time, and neither is an empty one. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from schemas.records import Struct, field
from stages.scap.xml_elements import Element, local, text_of

T = TypeVar("T")

_ANY = re.compile(r".*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_TYPES = {"number": _NUMBER, "boolean": re.compile(r"true|false|1|0")}
_NOT_MATCHED = re.compile(r"\)\??[*+{]|\A\Z")
_NO_LOWER, _NO_UPPER = Decimal("-Infinity"), Decimal("Infinity")
_MOST_LISTED = 8


class ValueItem(Struct):
    """A Value of a benchmark. Its parts are by selector, `""` for one without."""

    id: str
    type: str
    texts: dict[str, str] = field(default_factory=dict)
    """What the benchmark offers."""
    form: re.Pattern[str] = _ANY
    """What a text of its type looks like, where the type is enforced."""
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The only texts that it may have; empty where it may have others."""
    match: dict[str, re.Pattern[str]] = field(default_factory=dict)
    lower: dict[str, Decimal] = field(default_factory=dict)
    upper: dict[str, Decimal] = field(default_factory=dict)


def read_value(element: Element) -> ValueItem:
    value = ValueItem(id=element.get("id", ""), type=element.get("type", "string"))
    for child in element:
        name = local(child)
        selector = child.get("selector", "")
        text = text_of(child)
        if name == "value":
            value.texts[selector] = text
        elif name == "match":
            value.match[selector] = _pattern(text)
        elif name == "lower-bound":
            value.lower[selector] = _bound(text, _NO_LOWER)
        elif name == "upper-bound":
            value.upper[selector] = _bound(text, _NO_UPPER)
        elif name == "choices":
            value.choices[selector] = _choices(child)
    form = _TYPES.get(value.type, _ANY)
    if all(form.fullmatch(text) for text in value.texts.values()):
        value.form = form
    return value


def _pattern(text: str) -> re.Pattern[str]:
    """Any text matches where this module can't use the pattern."""
    if _NOT_MATCHED.search(text):
        return _ANY
    try:
        return re.compile(text)
    except re.error:
        return _ANY


def _bound(text: str, none: Decimal) -> Decimal:
    if _NUMBER.fullmatch(text) is None:
        return none
    return Decimal(text)


def _choices(element: Element) -> tuple[str, ...]:
    if element.get("mustMatch") not in ("true", "1"):
        return ()
    return tuple(text_of(choice) for choice in element.iterchildren("{*}choice"))


def why_not_allowed(value: ValueItem, text: str, selector: str = "") -> str | None:
    """The reason, to follow the text in a sentence; None where the text is allowed."""
    choices = _for_selector(value.choices, selector, ())
    if choices and text not in choices:
        return f"is not one of its choices ({_listed(choices)})"
    if value.form.fullmatch(text) is None:
        return f"is not a {value.type}{_offer(value)}"
    pattern = _for_selector(value.match, selector, _ANY)
    if pattern.fullmatch(text) is None:
        return f"does not match {pattern.pattern}{_offer(value)}"
    if value.form is _NUMBER:
        return _out_of_bounds(value, Decimal(text), selector)
    return None


def _for_selector(parts: Mapping[str, T], selector: str, default: T) -> T:
    """The part with that selector, else the one without a selector."""
    return parts.get(selector, parts.get("", default))


def _out_of_bounds(value: ValueItem, number: Decimal, selector: str) -> str | None:
    lower = _for_selector(value.lower, selector, _NO_LOWER)
    if number < lower:
        return f"is less than {lower}, its lower bound"
    upper = _for_selector(value.upper, selector, _NO_UPPER)
    if number > upper:
        return f"is more than {upper}, its upper bound"
    return None


def _offer(value: ValueItem) -> str:
    """The texts that the benchmark itself has for a value, in its order."""
    if not value.texts:
        return ""
    return f": the benchmark has {_listed(tuple(dict.fromkeys(value.texts.values())))}"


def _listed(texts: Sequence[str]) -> str:
    shown = ", ".join(text or "''" for text in texts[:_MOST_LISTED])
    if len(texts) > _MOST_LISTED:
        return f"{shown} and {len(texts) - _MOST_LISTED} more"
    return shown
