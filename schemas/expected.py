"""Messages for wrong values in the settings: what is expected, and what was found. Pure.

The expectation comes from the type: its bounds, its choices, or the description of its pattern. A
wrong text is repeated only if the type has a list of choices, because it may contain a password.
"""

import re
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
_NUMBERS = {int: "a whole number", float: "a number"}
_PLAIN_TYPES: dict[Any, Any] = {tuple: list, dict: dict, Literal: str}
"""What YAML has for the types of a record that it does not know."""
_LONGEST_SHOWN = 40
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
    bare, _ = _nearest([], _alternatives(kind))
    if get_origin(bare) is not tuple:
        return None
    item: object = get_args(bare)[0]
    return item


def is_too_long(values: list[object], kind: object) -> bool:
    """Whether a list has more items than `kind` allows."""
    _, meta = _nearest(values, _alternatives(kind))
    return _is_too_long(values, meta)


def _alternatives(kind: object) -> list[tuple[Any, Meta]]:
    """The types that a value may have, without `None` and annotation, each with its annotation."""
    if kind is NoneType:
        return []
    if get_origin(kind) is Annotated:
        return [(get_args(kind)[0], get_args(kind)[1])]
    if get_origin(kind) not in (Union, UnionType):
        return [(kind, Meta())]
    found: list[tuple[Any, Meta]] = []
    for choice in get_args(kind):
        found += _alternatives(choice)
    return found


def _nearest(value: object, alternatives: list[tuple[Any, Meta]]) -> tuple[Any, Meta]:
    """The alternative that a value was probably meant to be: one of its own type, or the first."""
    for bare, meta in alternatives:
        if type(value) is _plain_type(bare):
            return bare, meta
    return alternatives[0]


def _plain_type(bare: Any) -> Any:
    """The type that a right value has in YAML."""
    return _PLAIN_TYPES.get(get_origin(bare), bare)


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
    if _plain_type(bare) is dict:
        return _wanted_mapping(bare)
    if bare in _NUMBERS:
        return f"{_NUMBERS[bare]} {_bounds(meta)}".rstrip()
    if bare is bool:
        return "true or false"
    return f"a text {_text_bounds(meta)}".rstrip()


def _wanted_mapping(bare: Any) -> str:
    if not get_args(bare):
        return "a mapping of keys"
    key, value = get_args(bare)
    return f"a mapping of keys: each key {expectation(key)}, each value {expectation(value)}"


def _text_bounds(meta: Meta) -> str:
    if meta.min_length is not None and meta.max_length is not None:
        return f"of {meta.min_length} to {meta.max_length} characters"
    if meta.max_length is not None:
        return f"of at most {meta.max_length} characters"
    if meta.min_length is not None:
        return f"of at least {meta.min_length} characters"
    return ""


def _bounds(meta: Meta) -> str:
    if meta.ge is not None and meta.le is not None:
        return f"from {meta.ge} to {meta.le}"
    bounds = {"above": meta.gt, "from": meta.ge, "below": meta.lt, "up to": meta.le}
    return " and ".join(f"{name} {bound}" for name, bound in bounds.items() if bound is not None)


def _found(value: object, bare: Any, meta: Meta) -> str:
    if value is None:
        return "; it is empty: leave the key out to have its default"
    if isinstance(value, str):
        return _found_text(value, bare, meta)
    if isinstance(value, dict) and _plain_type(bare) is dict:
        # A key or a value in it is wrong.
        return ""
    if isinstance(value, list) and _is_too_long(value, meta):
        return f"; it has {len(value)}"
    if _plain_type(bare) is str and not isinstance(value, list | dict):
        # YAML reads `1.10` as a number, and `yes` as a boolean.
        return f"; it is {kind_of(value)}: put it in quotes"
    if type(value) in _NUMBERS:
        return f"; it is {value}"
    return f"; it is {kind_of(value)}"


def _found_text(text: str, bare: Any, meta: Meta) -> str:
    if bare is date:
        return f"; it is {_date_text(text)}"
    if _plain_type(bare) is not str:
        return f"; it is {kind_of(text)}"
    if _is_too_long(text, meta):
        return f" (at most {meta.max_length}), it has {len(text)}"
    if bare is str:
        # It may hold a password.
        return ""
    return f"; it is {text[:_LONGEST_SHOWN]}"


def _date_text(text: str) -> str:
    """The text, and why it is not a date, where it has the form of one."""
    try:
        date.fromisoformat(text)
    except ValueError as error:
        if _DATE.fullmatch(text):
            return f"{text}: {error}"
    return text[:_LONGEST_SHOWN]


def _is_too_long(value: Sized, meta: Meta) -> bool:
    return meta.max_length is not None and len(value) > meta.max_length
