"""Fills the templates of test kinds; describes items of unknown kinds by their fields. Pure."""

import re
from collections.abc import Callable, Mapping

from stages.scanners.openscap.oval.field_labels import BOOKKEEPING, label
from stages.scanners.openscap.oval.file_modes import MODE_FIELDS, octal_mode
from stages.scanners.openscap.oval.oval_model import Item

_FIELD = re.compile(r"\{([a-z_|]+)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FILLED = re.compile(r"\0(\d+)\0")
_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=\d)|_")
_NOT_SHOWN = MODE_FIELDS | BOOKKEEPING
_DIFFERS = frozenset(("fail", "true", "1"))

FieldText = Callable[[str], str | None]
"""Returns the text of a field by its name; None where there is no such field."""


def fill(template: str, field_text: FieldText) -> str | None:
    """The template with its fields; None where a field outside brackets is missing.

    `{a|b}` is the first of these fields that is there; a part in brackets is left out where a field
    in it is missing. The optional parts are filled first, and marks stand for them until the end:
    brackets and braces in the text of a field must not be taken for those of the template. An
    example, with the fields name=`a[1]` and arch=`x`:

        package {name}[ ({arch})]  ->  package {name}<0>  ->  package a[1]<0>  ->  package a[1] (x)
    """
    filled: list[str] = []

    def hold(optional: re.Match[str]) -> str:
        filled.append(_fill_fields(optional[1], field_text) or "")
        return f"\0{len(filled) - 1}\0"

    text = _fill_fields(_OPTIONAL.sub(hold, template), field_text)
    if text is None:
        return None
    return _FILLED.sub(lambda mark: filled[int(mark[1])], text).strip(" ,")


def _fill_fields(template: str, field_text: FieldText) -> str | None:
    """The template with its fields; None where one is missing."""
    missing = False

    def first(names: re.Match[str]) -> str:
        nonlocal missing
        for name in names[1].split("|"):
            text = field_text(name)
            if text is not None:
                return text
        missing = True
        return ""

    text = _FIELD.sub(first, template)
    if missing:
        return None
    return text


def item_text(item: Item, name: str) -> str | None:
    """A field of an item, or a text made of several: `mode`, `differences`, `file`."""
    if name in _COMPOSED:
        return _COMPOSED[name](item)
    values = item.all(name)
    if not any(values):
        return None
    return ", ".join(values)


def by_fields(kind: str, fields: Mapping[str, str]) -> str:
    """A thing of an unknown kind, by the names of its fields."""
    kind_name = _WORD_BOUNDARY.sub(" ", kind)
    shown = []
    for name, text in fields.items():
        if name not in _NOT_SHOWN:
            shown.append(f"{label(kind, name)} {text}")
    if not shown:
        return kind_name
    return f"{kind_name} with {', '.join(shown)}"


def _file(item: Item) -> str | None:
    """The path of a file, which an item has as a whole or in two parts."""
    filepath = item.first("filepath")
    if filepath is not None:
        return filepath
    path, filename = item.first("path"), item.first("filename")
    if path and filename:
        return f"{path.rstrip('/')}/{filename}"
    return path


def _differences(item: Item) -> str | None:
    """What differs from a file's package: `size, mode differ`."""
    names = []
    for field in item.fields:
        if field.name.endswith("_differs") and field.text in _DIFFERS:
            names.append(field.name.removesuffix("_differs").replace("_", " "))
    if not names:
        return None
    if len(names) == 1:
        return f"{names[0]} differs"
    return ", ".join(names) + " differ"


_COMPOSED: Mapping[str, Callable[[Item], str | None]] = {
    "mode": octal_mode,
    "differences": _differences,
    "file": _file,
}
"""Texts that are made of several fields of an item."""
