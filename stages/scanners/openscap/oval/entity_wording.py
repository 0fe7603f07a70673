"""Entities in plain text: the value that an object looks for, or that a state expects. Pure."""

from collections.abc import Sequence

from stages.scanners.openscap.oval.file_modes import with_octal
from stages.scanners.openscap.oval.oval_model import Entity
from stages.scanners.openscap.oval.pattern_wording import (
    ignores_case,
    literal_alternatives,
    pattern_text,
)

_OPERATIONS = {
    "equals": "{}",
    "not equal": "anything but {}",
    "case insensitive equals": "{} (case-insensitive)",
    "case insensitive not equal": "anything but {} (case-insensitive)",
    "greater than": "more than {}",
    "less than": "less than {}",
    "greater than or equal": "at least {}",
    "less than or equal": "at most {}",
    "bitwise and": "all bits of {}",
    "bitwise or": "no bits beyond {}",
    "subset of": "nothing beyond {}",
    "superset of": "at least all of {}",
    "pattern match": "matching {}",
}
_SEVERAL_VALUES = {
    "all": "all of {}",
    "at least one": "one of {}",
    "none satisfy": "none of {}",
    "none exist": "none of {}",
    "only one": "exactly one of {}",
}
_SHOWN_VALUES = 10


def short_id(identifier: str) -> str:
    """`oval:ssg-var_umask:var:1` as `var_umask`."""
    return identifier.removeprefix("oval:").removeprefix("ssg-").split(":")[0]


def expected_value(entity: Entity, values: Sequence[str] | None) -> str:
    """`at most 365`, `one of a, b`, `matching ^x`; `values` is None for an unknown variable."""
    if values is None:
        return f"the value of {short_id(entity.var_ref or '')}"
    if entity.operation == "pattern match":
        return _expected_pattern(values)
    if not values:
        return "the value of a variable without values"
    shown = _shown_values(entity, values)
    listed = listed_values(shown)
    if len(shown) > 1:
        listed = _SEVERAL_VALUES.get(entity.var_check, "one of {}").format(listed)
    template = _OPERATIONS.get(entity.operation, entity.operation + " {}")
    return template.format(listed)


def object_value(entity: Entity | None, values: Sequence[str] | None) -> str:
    """An object's field as a name or a place; a pattern as plain text where it says no more."""
    if entity is None:
        return ""
    if values is None:
        return f"(the value of {short_id(entity.var_ref or '')})"
    if entity.operation == "equals":
        return listed_values(values) or "(none: its variable has no value)"
    if entity.operation == "pattern match":
        texts = _literal_texts(values) or []
        if texts:
            return listed_values(texts)
        return "matching " + listed_values(values)
    return expected_value(entity, values)


def is_bit_mask(entity: Entity) -> bool:
    """Whether its bits count and not its size: a umask, permissions."""
    return entity.operation.startswith("bitwise")


def listed_values(values: Sequence[str]) -> str:
    """Up to ten values, and the number of the others."""
    shown = ", ".join(values[:_SHOWN_VALUES])
    hidden = len(values) - _SHOWN_VALUES
    if hidden > 0:
        return f"{shown} and {hidden} more"
    return shown


def _shown_values(entity: Entity, values: Sequence[str]) -> list[str]:
    shown = [_or_empty(value) for value in values]
    if is_bit_mask(entity):
        return [with_octal(value) for value in shown]
    return shown


def _or_empty(value: str) -> str:
    if value.strip():
        return value
    return "(empty)"


def _expected_pattern(values: Sequence[str]) -> str:
    """`none`, `one of root, adm`, or the expressions."""
    alternatives = None
    if len(values) == 1:
        alternatives = literal_alternatives(values[0])
    if not alternatives or not any(alternatives):
        return "matching " + listed_values(values)
    case = ""
    if ignores_case(values[0]):
        case = " (case-insensitive)"
    if len(alternatives) == 1:
        return alternatives[0] + case
    return "one of " + ", ".join(text or "(empty)" for text in alternatives) + case


def _literal_texts(patterns: Sequence[str]) -> list[str] | None:
    """The patterns as plain texts; None where one of them matches more than one text."""
    texts = []
    for pattern in patterns:
        found = pattern_text(pattern)
        if found is None or not found.is_literal:
            return None
        texts.append(found.text)
    return texts
