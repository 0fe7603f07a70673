"""File permissions: OVAL's twelve fields as the octal mode that administrators know. Pure."""

from collections.abc import Sequence

from stages.scanners.openscap.oval.oval_model import Entity, Item

_BITS = (
    *("suid", "sgid", "sticky"),
    *("uread", "uwrite", "uexec", "gread", "gwrite", "gexec", "oread", "owrite", "oexec"),
)
"""The fields in the order of their bits, the highest first."""
MODE_FIELDS = frozenset(_BITS)
_ALL_BITS = 0o7777
_PERMISSIONS = 0o777
_SPECIAL_BITS = 0o7000
_TRUE = frozenset(("true", "1"))
_FALSE = frozenset(("false", "0"))
_MAX_NAMED_BITS = 3
_CLASSES = {"u": "owner", "g": "group", "o": "others"}


def octal_mode(item: Item) -> str | None:
    """A file's permissions as `0644`; None where a bit is not known."""
    mode = 0
    for field in _BITS:
        text = item.first(field)
        if text in _TRUE:
            mode |= _bit(field)
        elif text not in _FALSE:
            return None
    return f"{mode:04o}"


def expected_mode(entities: Sequence[Entity]) -> str | None:
    """What the permission fields of a state require together; None where it has none.

    All twelve fields give a mode (`0600`), many forbidden bits the most permissive mode that is
    left (`0640 or stricter`), and a few bits their names (`without write for group`).
    """
    required = forbidden = 0
    for entity in entities:
        if entity.name not in MODE_FIELDS or entity.value is None:
            continue
        is_set = entity.value.strip() in _TRUE
        if is_set == (entity.operation != "not equal"):
            required |= _bit(entity.name)
        else:
            forbidden |= _bit(entity.name)
    if not required and not forbidden:
        return None
    if required | forbidden == _ALL_BITS:
        return f"{required:04o}"
    if not required:
        return _stricter_or_without(forbidden)
    if not forbidden:
        return f"with {_bit_names(required)}"
    return f"with {_bit_names(required)} and without {_bit_names(forbidden)}"


def with_octal(value: str) -> str:
    """`23 (octal 027)`: permissions are known by their octal form."""
    if not (value.isascii() and value.isdigit()):
        return value
    return f"{value} (octal {int(value):03o})"


def _stricter_or_without(forbidden: int) -> str:
    has_special_bits = forbidden >= _SPECIAL_BITS
    if has_special_bits or forbidden.bit_count() > _MAX_NAMED_BITS:
        return f"{_PERMISSIONS & ~forbidden:04o} or stricter"
    return f"without {_bit_names(forbidden)}"


def _bit(field: str) -> int:
    return 1 << (len(_BITS) - 1 - _BITS.index(field))


def _bit_names(bits: int) -> str:
    """`write for group, read for others`."""
    return ", ".join(_bit_name(field) for field in _BITS if bits & _bit(field))


def _bit_name(field: str) -> str:
    who = _CLASSES.get(field[0])
    if who is None:
        return field
    return f"{field[1:]} for {who}"
