"""Messages for wrong values in the settings: what is expected, and what was found. Pure.

The expectation comes from the type: its bounds, its choices, or the description of its pattern. A
wrong text is repeated only if the type has a list of choices, because it may contain a password.
"""

import re
from calendar import monthrange
from collections.abc import Sized
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

_NAMES = {
    list: "a list",
    dict: "a mapping of keys",
    str: "a text",
    bool: "a boolean",
    int: "a number",
}
_LONGEST_SHOWN = 40
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def mismatch(value: object, kind: object) -> str:
    """Why `value` is wrong: it must be of `kind`, and is not."""
    bare, meta = _nearest(value, _alternatives(kind))
    return f"must be {expectation(kind)}{_found(value, bare, meta)}"


def expectation(kind: object) -> str:
    """What a value of this kind must be."""
    return ", or ".join(_wanted(bare, meta) for bare, meta in _alternatives(kind))


def kind_of(value: object) -> str:
    """A short name of a value's kind."""
    if value is None:
        return "empty"
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def item_kind(kind: object) -> object | None:
    """What the items of a list must be; None where `kind` allows no list."""
    for bare, _ in _alternatives(kind):
        if get_origin(bare) is tuple:
            item: object = get_args(bare)[0]
            return item
    return None


def is_too_long(values: list[object], kind: object) -> bool:
    """Whether a list has more items than `kind` allows."""
    longest = [meta.max_length for bare, meta in _alternatives(kind) if get_origin(bare) is tuple]
    return all(most is not None and len(values) > most for most in longest)


def _alternatives(kind: object) -> list[tuple[Any, Meta]]:
    """The types that a value may have, without `None` and annotation, each with its annotation."""
    if get_origin(kind) in (Union, UnionType):
        choices = [choice for choice in get_args(kind) if choice is not NoneType]
        return [found for choice in choices for found in _alternatives(choice)]
    if get_origin(kind) is Annotated:
        return [(get_args(kind)[0], get_args(kind)[1])]
    return [(kind, Meta())]


def _nearest(value: object, alternatives: list[tuple[Any, Meta]]) -> tuple[Any, Meta]:
    """The alternative that a value was probably meant to be: a text, a list, or the first."""
    for bare, meta in alternatives:
        if isinstance(value, list) and get_origin(bare) is tuple:
            return bare, meta
        if isinstance(value, str) and _is_text(bare):
            return bare, meta
    return alternatives[0]


def _wanted(bare: Any, meta: Meta) -> str:
    if meta.description:
        return meta.description
    if get_origin(bare) is Literal:
        choices = ", ".join(map(str, get_args(bare)))
        if len(get_args(bare)) == 1:
            return choices
        return f"one of {choices}"
    if get_origin(bare) is tuple:
        return "a list"
    if bare in (int, float):
        kind = "number"
        if bare is int:
            kind = "whole number"
        return f"a {kind} from {meta.ge} to {meta.le}"
    if bare is bool:
        return "true or false"
    return f"a text of {meta.min_length} to {meta.max_length} characters"


def _found(value: object, bare: Any, meta: Meta) -> str:
    if value is None:
        return "; it is empty: leave the key out to have its default"
    if isinstance(value, str):
        return _found_text(value, bare, meta)
    if isinstance(value, list) and _is_too_long(value, meta):
        return f"; it has {len(value)}"
    if bare in (int, float) and type(value) in (int, float):
        return f"; it is {value}"
    if _is_text(bare) and not isinstance(value, list | dict):
        # YAML reads `1.10` as a number, and `yes` as a boolean.
        return f"; it is {kind_of(value)}: put it in quotes"
    return f"; it is {kind_of(value)}"


def _found_text(text: str, bare: Any, meta: Meta) -> str:
    if bare is date:
        return f"; it is {text[:_LONGEST_SHOWN]}{_why_no_date(text)}"
    if not _is_text(bare):
        return f"; it is {kind_of(text)}"
    if _is_too_long(text, meta):
        return f" (at most {meta.max_length}), it has {len(text)}"
    if bare is str:
        # It may hold a password.
        return ""
    return f"; it is {text[:_LONGEST_SHOWN]}"


def _why_no_date(text: str) -> str:
    """What is wrong with a text in the form of a date."""
    found = _DATE.fullmatch(text)
    if found is None:
        return ""
    year, month, day = map(int, found.groups())
    if year == 0:
        return ", and there is no year 0"
    if not 1 <= month <= 12:
        return f", and there is no month {month}"
    days = monthrange(year, month)[1]
    if not 1 <= day <= days:
        return f", and {year:04}-{month:02} has days 1 to {days}"
    return ""


def _is_text(bare: Any) -> bool:
    return bare is str or get_origin(bare) is Literal


def _is_too_long(value: Sized, meta: Meta) -> bool:
    return meta.max_length is not None and len(value) > meta.max_length
