"""Entities to words: what a field was compared with, and how. Pure."""

import re
from collections.abc import Sequence

from stages.scanners.openscap.oval.oval_model import Entity, Item
from stages.scanners.openscap.oval.pattern_wording import in_any_case, plain, words

_OPERATIONS = {
    "equals": "{}",
    "not equal": "anything but {}",
    "case insensitive equals": "{} (in any case)",
    "case insensitive not equal": "anything but {} (in any case)",
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
_MANY = {
    "all": "all of {}",
    "at least one": "one of {}",
    "none satisfy": "none of {}",
    "none exist": "none of {}",
    "only one": "exactly one of {}",
}
_SHOWN_VALUES = 10
_BITS = (
    *("suid", "sgid", "sticky"),
    *("uread", "uwrite", "uexec", "gread", "gwrite", "gexec", "oread", "owrite", "oexec"),
)
_SPECIAL = 0o7000
_COSTLY = re.compile(r"[*+{?]|\\[1-9]")
_TRIED_ALTERNATIVES = 10
_FEW_BITS = 3
_WHO = {"u": "{} for owner", "g": "{} for group", "o": "{} for others"}
MODE_FIELDS = frozenset(_BITS)


def short_id(identifier: str) -> str:
    """`oval:ssg-var_umask:var:1` as `var_umask`."""
    return identifier.removeprefix("oval:").removeprefix("ssg-").split(":")[0]


def demand(entity: Entity, values: Sequence[str] | None) -> str:
    """`at most 365`, `one of a, b`, `matching ^x`; `values` are None where the variable is not known."""
    if values is None:
        return f"the value of {short_id(entity.var_ref or '')}"
    if entity.operation == "pattern match":
        return _matching(values)
    shown = [value if value.strip() else "(empty)" for value in values]
    if not shown:
        return "the value of a variable that has none"
    if is_mask(entity):
        shown = [with_octal(value) for value in shown]
    listed = listing(shown)
    if len(shown) > 1:
        listed = _MANY.get(entity.var_check, "one of {}").format(listed)
    return _OPERATIONS.get(entity.operation, entity.operation + " {}").format(listed)


def _matching(values: Sequence[str]) -> str:
    if len(values) == 1 and (alternatives := words(values[0])) and any(alternatives):
        any_case = " (in any case)" if in_any_case(values[0]) else ""
        if len(alternatives) == 1:
            return alternatives[0] + any_case
        return "one of " + ", ".join(word or "(empty)" for word in alternatives) + any_case
    return "matching " + listing(list(values))


def is_mask(entity: Entity) -> bool:
    """Whether its bits count and not its size: a umask, permissions."""
    return entity.operation.startswith("bitwise")


def with_octal(value: str) -> str:
    """`23 (octal 027)`: people know permissions by that."""
    return f"{value} (octal {int(value):03o})" if value.isascii() and value.isdigit() else value


def listing(values: Sequence[str]) -> str:
    """Up to ten values, and how many there are beyond."""
    shown = ", ".join(values[:_SHOWN_VALUES])
    more = len(values) - _SHOWN_VALUES
    return f"{shown} and {more} more" if more > 0 else shown


def place(entity: Entity | None, values: Sequence[str] | None) -> str:
    """An object's field as a place or a name: literal where it is one."""
    if entity is None:
        return ""
    if values is None:
        return f"(the value of {short_id(entity.var_ref or '')})"
    if entity.operation == "equals":
        return listing(list(values)) or "(none: its variable has no value)"
    if entity.operation == "pattern match":
        found = [plain(value) for value in values]
        texts = [one.text for one in found if one is not None and one.exact and "|" not in one.text]
        if len(texts) == len(values) and texts:
            return listing(texts)
        return "matching " + listing(list(values))
    return demand(entity, values)


def mode(item: Item) -> str | None:
    """A file's permissions, octal; None where not every bit is known."""
    bits = [item.first(name) for name in _BITS]
    if any(bit not in ("true", "false", "1", "0") for bit in bits):
        return None
    number = 0
    for bit in bits:
        number = number * 2 + (bit in ("true", "1"))
    return f"{number:04o}"


def mode_demand(entities: Sequence[Entity]) -> str | None:
    """What the permission fields of a state say together; None where there are none."""
    forbidden = demanded = 0
    for entity in entities:
        if entity.name in MODE_FIELDS and entity.value is not None:
            bit = 1 << (len(_BITS) - 1 - _BITS.index(entity.name))
            if (entity.value.strip() in ("true", "1")) == (entity.operation != "not equal"):
                demanded |= bit
            else:
                forbidden |= bit
    if not (forbidden or demanded):
        return None
    if forbidden | demanded == 0o7777:
        return f"{demanded:04o}"
    parts = [f"with {_bit_words(demanded)}"] if demanded else []
    if forbidden and (forbidden >= _SPECIAL or forbidden.bit_count() > _FEW_BITS) and not demanded:
        parts.append(f"{0o777 & ~forbidden:04o} or stricter")
    elif forbidden:
        parts.append(f"without {_bit_words(forbidden)}")
    return " and ".join(parts)


def _bit_words(bits: int) -> str:
    """`write for group, read for others`."""
    names = [name for index, name in enumerate(_BITS) if bits & 1 << (len(_BITS) - 1 - index)]
    return ", ".join(_WHO[name[0]].format(name[1:]) if name[0] in "ugo" else name for name in names)


def satisfied(entity: Entity, values: Sequence[str] | None, actual: str) -> bool | None:
    """Whether a value meets the demand; None where that can't be said for certain."""
    if values is None or len(values) != 1 or entity.datatype not in ("string", "int", "boolean"):
        return None
    expected = values[0]
    if entity.operation == "pattern match":
        return _matches(expected, actual)
    if entity.datatype == "int":
        try:
            return _compare(entity.operation, int(actual), int(expected))
        except ValueError:
            return None
    if entity.datatype == "boolean":
        return _compare(entity.operation, actual in ("true", "1"), expected in ("true", "1"))
    return _compare(entity.operation, actual, expected)


def _compare(operation: str, actual: int | str, expected: int | str) -> bool | None:
    if operation == "equals":
        return actual == expected
    if operation == "not equal":
        return actual != expected
    if isinstance(actual, int) and isinstance(expected, int):
        return {
            "greater than": actual > expected,
            "less than": actual < expected,
            "greater than or equal": actual >= expected,
            "less than or equal": actual <= expected,
        }.get(operation)
    return None


def _matches(pattern: str, actual: str) -> bool | None:
    """Only patterns without repetition are tried, and few alternatives: content is not trusted with our time."""
    if len(pattern) > 200 or pattern.count("|") > _TRIED_ALTERNATIVES or _COSTLY.search(pattern):
        return None
    try:
        return re.search(pattern, actual) is not None
    except re.error:
        return None
