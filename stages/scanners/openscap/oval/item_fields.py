"""The fields of what was found, in plain text and with secrets masked. Pure."""

import re

from stages.runtime.printable import listed
from stages.scanners.openscap.oval.kind_templates import item_text
from stages.scanners.openscap.oval.line_wording import TEXT_KINDS
from stages.scanners.openscap.oval.oval_model import Item, ItemField
from stages.scanners.openscap.oval.readable_values import readable_value
from stages.scanners.secrets import MASK, masked_line, masked_value

_SHOWN_VALUES = 10
_MAX_TEXT = 300
_SETTING_NAME = re.compile(r"(?:^|\s)([A-Za-z][\w.-]{0,60})[=:]?\s*$")
_LINE_BREAK = re.compile(r"\s*\n\s*")
_LINE_FIELDS = frozenset(("text", "line"))
_HASH_FIELDS = frozenset((("password", "password"), ("shadow", "password")))
"""Kinds of items, and names of fields."""
_NO_HASH = frozenset(("x", "*", "!", "!!", "!*"))
"""Texts of a password field that are not a hash."""
_HASH_FILES = frozenset(
    ("shadow", "shadow-", "gshadow", "gshadow-", "opasswd", "master.passwd", ".htpasswd")
)
_DES_HASH = re.compile(r"[./0-9A-Za-z]{13}")
"""The oldest hashes have no mark by which they could be recognized, only the file they are in."""
_VALUE_FIELDS = frozenset(("value", "value_of", "subexpression"))
_NAMING_FIELDS = ("name", "key", "xpath", "yamlpath", "property", "attribute_name")
_NEVER_SECRET = frozenset(("mode", "differences", "file"))


def field_text(item: Item, name: str, setting: str | None) -> str | None:
    """The values of a field; None where the item has none of this name.

    `setting` names the setting that the value belongs to, where that is known from elsewhere.
    """
    if item.kind in TEXT_KINDS and name in _LINE_FIELDS:
        return found_line(item)
    setting_name = _setting_of_field(item, name, setting)
    texts = []
    for field in item.fields:
        if field.name == name:
            texts.append(_value_text(item, field, setting_name))
    return listed(texts, _SHOWN_VALUES) or None


def masked_field(item: Item, name: str, setting: str | None = None) -> str | None:
    """A field for a template; some are made of several fields of the item: `mode`, `file`."""
    text = item_text(item, name)
    if text is None or name in _NEVER_SECRET:
        return text
    return field_text(item, name, setting)


def found_line(item: Item, setting: str | None = None) -> str | None:
    """The line that was found in a file, or else the part of it that is the value of a setting."""
    text = item.first("text")
    if text is not None:
        return _shortened(masked_line(text))
    return field_text(item, "subexpression", setting)


def setting_in_line(item: Item) -> str | None:
    """The word before the value in the line that was found, where it is clearly a name."""
    text = item.first("text")
    value = item.first("subexpression")
    if text is None or value is None:
        return None
    name = _SETTING_NAME.search(text.rpartition(value)[0])
    if name is None:
        return None
    return name[1]


def _setting_of_field(item: Item, name: str, setting: str | None) -> str | None:
    """The name that decides whether a field's value is a secret, and how it is written."""
    if name == "subexpression":
        return setting or setting_in_line(item)
    if item.kind == "variable":
        return setting
    if name in _VALUE_FIELDS:
        return item.first(*_NAMING_FIELDS)
    return name


def _value_text(item: Item, field: ItemField, setting: str | None) -> str:
    if not field.text.strip():
        return _empty_text(field)
    may_be_hash = field.masked or (item.kind, field.name) in _HASH_FIELDS
    if may_be_hash and field.text in _NO_HASH:
        return field.text
    if may_be_hash or _is_des_hash(item, field.text):
        return MASK
    text = readable_value(item.kind, field.name, field.text, setting)
    return _shortened(masked_value(setting, text))


def _empty_text(field: ItemField) -> str:
    if field.status != "exists":
        return field.status
    if field.masked:
        return "(not shown)"
    return "(empty)"


def _is_des_hash(item: Item, text: str) -> bool:
    if not _DES_HASH.fullmatch(text.strip()):
        return False
    file = item_text(item, "file") or ""
    return file.rpartition("/")[2] in _HASH_FILES


def _shortened(text: str) -> str:
    text = _LINE_BREAK.sub(" ", text.strip())
    if len(text) > _MAX_TEXT:
        return text[: _MAX_TEXT - 1] + "…"
    return text
