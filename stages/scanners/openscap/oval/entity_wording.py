"""Entities in plain text: the value that an object looks for, or that a state expects. Pure."""

from collections.abc import Sequence

from schemas.records import Struct
from stages.runtime.printable import listed
from stages.scanners.openscap.oval.file_modes import with_octal
from stages.scanners.openscap.oval.oval_model import Entity
from stages.scanners.openscap.oval.pattern_alternatives import literal_alternatives
from stages.scanners.openscap.oval.pattern_wording import pattern_text

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
}
_SEVERAL_VALUES = {
    "all": "all of {}",
    "at least one": "one of {}",
    "none satisfy": "none of {}",
    "none exist": "none of {}",
    "only one": "exactly one of {}",
}
_SHOWN_VALUES = 10


class ValueText(Struct, frozen=True):
    """The value of a field in plain text."""

    text: str
    is_pattern: bool = False
    """Whether it is an expression that has no plain text: `matching ^x`."""
    is_several: bool = False
    """Whether it may stand for more than one value."""

    @property
    def without_field(self) -> str:
        """The text where no field's name stands before it: `a value matching ^x`."""
        if self.is_pattern:
            return f"a value {self.text}"
        return self.text


def short_id(identifier: str) -> str:
    """`oval:ssg-var_umask:var:1` as `var_umask`."""
    return identifier.removeprefix("oval:").removeprefix("ssg-").split(":")[0]


def expected_value(entity: Entity, values: Sequence[str]) -> ValueText:
    """`at most 365`, `one of a, b`, `matching ^x`; a variable without values by its name."""
    if not values:
        return ValueText(_variable(entity))
    if entity.operation == "pattern match":
        return _expected_pattern(entity, values)
    shown = [_shown_value(entity, value) for value in values]
    template = _OPERATIONS.get(entity.operation, entity.operation + " {}")
    return ValueText(template.format(_listed_for_check(entity, shown)))


def object_value(entity: Entity, values: Sequence[str]) -> ValueText:
    """An object's field as a name or a place; an equivalent text in place of a pattern."""
    if not any(values):
        return ValueText(f"({_variable(entity)})", is_several=True)
    if entity.operation == "equals":
        return ValueText(listed_values(values), is_several=len(values) > 1)
    if entity.operation != "pattern match":
        return expected_value(entity, values)
    found = [pattern_text(pattern) for pattern in values]
    if all(one.is_literal for one in found):
        texts = [one.text for one in found]
        return ValueText(listed_values(texts), is_several=len(texts) > 1)
    return _pattern_value(listed_values(values))


def _variable(entity: Entity) -> str:
    return f"the value of {short_id(entity.var_ref or '')}"


def is_bit_mask(entity: Entity) -> bool:
    """Whether its bits count and not its size: a umask, permissions."""
    return entity.operation.startswith("bitwise")


def listed_values(values: Sequence[str]) -> str:
    """Up to ten values, and the number of the others."""
    return listed(values, _SHOWN_VALUES)


def _listed_for_check(entity: Entity, shown: Sequence[str]) -> str:
    """One value as it is; of several, how many of them have to fit."""
    values = listed_values(shown)
    if len(shown) == 1:
        return values
    return _SEVERAL_VALUES.get(entity.var_check, "one of {}").format(values)


def _shown_value(entity: Entity, value: str) -> str:
    # Content writes a whole line with the end of the line; here a sentence goes on behind it.
    value = value.strip("\r\n")
    if not value.strip():
        return "(empty)"
    if is_bit_mask(entity):
        return with_octal(value)
    return value


def _pattern_value(patterns: str) -> ValueText:
    return ValueText(f"matching {patterns}", is_pattern=True, is_several=True)


def _expected_pattern(entity: Entity, values: Sequence[str]) -> ValueText:
    """`none`, `one of root, adm`, or the expressions."""
    if len(values) > 1:
        return _pattern_value(_listed_for_check(entity, values))
    alternatives = literal_alternatives(values[0])
    if alternatives is None:
        return _pattern_value(values[0])
    texts = [_shown_value(entity, text) for text in alternatives.texts]
    wording = texts[0]
    if len(texts) > 1:
        wording = "one of " + ", ".join(texts)
    if alternatives.ignores_case:
        wording += " (case-insensitive)"
    return ValueText(wording)
