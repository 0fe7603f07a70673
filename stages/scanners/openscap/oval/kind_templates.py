"""Filling the templates of the kinds, and telling a thing of no known kind by its fields. Pure."""

import re
from collections.abc import Callable

from stages.scanners.openscap.oval.entity_wording import MODE_FIELDS, mode
from stages.scanners.openscap.oval.kinds import label
from stages.scanners.openscap.oval.oval_model import Item

_HOLE = re.compile(r"\{([a-z_|]+)\}")
_HELD = re.compile(r"\0(\d+)\0")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


def fill(template: str, field: Callable[[str], str | None]) -> str | None:
    """The template with its fields; None where one outside brackets is missing."""

    def first(found: re.Match[str]) -> str:
        for name in found[1].split("|"):
            if (text := field(name)) is not None:
                return text
        missing.append(found[1])
        return ""

    def optional(found: re.Match[str]) -> str:
        before = len(missing)
        text = _HOLE.sub(first, found[1])
        lacks = len(missing) > before
        del missing[before:]
        return "" if lacks else text

    missing: list[str] = []
    held: list[str] = []

    def keep(found: re.Match[str]) -> str:
        held.append(optional(found))
        return f"\0{len(held) - 1}\0"

    text = _HOLE.sub(first, _OPTIONAL.sub(keep, template))
    if missing:
        return None
    return _HELD.sub(lambda found: held[int(found[1])], text).strip(" ,")


def item_field(item: Item, name: str) -> str | None:
    """A field of an item as text: several values joined, permissions as one mode."""
    if name == "mode":
        return mode(item)
    if name == "differences":
        return differences(item)
    if name == "file":
        path, filename = item.first("path"), item.first("filename")
        merged = f"{path.rstrip('/')}/{filename}" if path and filename else path
        return item.first("filepath") or merged
    values = item.all(name)
    return ", ".join(values) if any(values) else None


def differences(item: Item) -> str | None:
    """What a package's verification found different."""
    found = [
        value.name.removesuffix("_differs").replace("_", " ")
        for value in item.values
        if value.name.endswith("_differs") and value.text in ("fail", "true", "1")
    ]
    return ", ".join(found) + " differ" + ("s" if len(found) == 1 else "") if found else None


def by_name(kind: str, fields: list[tuple[str, str]]) -> str:
    """A thing of no known kind, by the names of its fields."""
    words = re.sub(r"(?<=[a-z])(?=\d)|_", " ", kind)
    shown = ", ".join(
        f"{label(kind, name)} {text}" for name, text in fields if name not in MODE_FIELDS
    )
    return f"{words} with {shown}" if shown else words
