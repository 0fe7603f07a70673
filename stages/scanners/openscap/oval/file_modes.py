"""File permissions: OVAL's twelve fields as the octal mode that administrators know. Pure."""

from collections.abc import Mapping

from schemas.numbers import whole_number
from stages.scanners.openscap.oval.oval_model import Item

_BITS = (
    *("suid", "sgid", "sticky"),
    *("uread", "uwrite", "uexec", "gread", "gwrite", "gexec", "oread", "owrite", "oexec"),
)
"""The fields in the order of their bits, the highest first."""
MODE_FIELDS = frozenset(_BITS)
_ALL_BITS = 0o7777
_PERMISSIONS = 0o777
_TRUE = frozenset(("true", "1"))
_DIGITS: dict[str | None, str] = {"true": "1", "1": "1", "false": "0", "0": "0"}
_MAX_NAMED_BITS = 3
_NAMES = {
    "uread": "read for owner",
    "uwrite": "write for owner",
    "uexec": "execute for owner",
    "gread": "read for group",
    "gwrite": "write for group",
    "gexec": "execute for group",
    "oread": "read for others",
    "owrite": "write for others",
    "oexec": "execute for others",
}


def octal_mode(item: Item) -> str | None:
    """A file's permissions as `0644`; None where a bit is not known."""
    digits = "".join(_DIGITS.get(item.first(field), "?") for field in _BITS)
    if "?" in digits:
        return None
    return f"{int(digits, base=2):04o}"


def bit_is_set(value: str) -> bool:
    """The value of one of the fields."""
    return value.strip() in _TRUE


def expected_mode(bits: Mapping[str, bool], separator: str = " and ") -> str:
    """What permission fields require together.

    All twelve fields become a mode (`0600`), many forbidden bits the most permissive mode that is
    left (`0640 or stricter`), and a few bits their names (`without write for group`). Where one of
    the fields is enough, or has to be the only one, each is named: `with write for group or with
    write for others`.
    """
    if separator != " and ":
        return _each_bit(bits, separator)
    required = 0
    forbidden = 0
    for field, is_set in bits.items():
        if is_set:
            required |= _bit(field)
        else:
            forbidden |= _bit(field)
    if required | forbidden == _ALL_BITS:
        return f"{required:04o}"
    if not required:
        return _stricter_or_without(forbidden)
    if not forbidden:
        return f"with {_bit_names(required)}"
    return f"with {_bit_names(required)} and without {_bit_names(forbidden)}"


def with_octal(value: str) -> str:
    """`027 (decimal 23)`: permissions are known by their octal form."""
    mode = whole_number(value)
    if mode is None:
        return value
    return f"{mode:03o} (decimal {value})"


def _each_bit(bits: Mapping[str, bool], separator: str) -> str:
    texts = []
    for field in sorted(bits, key=_BITS.index):
        preposition = "without"
        if bits[field]:
            preposition = "with"
        texts.append(f"{preposition} {_NAMES.get(field, field)}")
    return separator.join(texts)


def _stricter_or_without(forbidden: int) -> str:
    if forbidden.bit_count() > _MAX_NAMED_BITS:
        return f"{_PERMISSIONS & ~forbidden:04o} or stricter"
    return f"without {_bit_names(forbidden)}"


def _bit(field: str) -> int:
    return 1 << (len(_BITS) - 1 - _BITS.index(field))


def _bit_names(bits: int) -> str:
    """`write for group, read for others`."""
    names = [_NAMES.get(field, field) for field in _BITS if bits & _bit(field)]
    return ", ".join(names)
