"""Paths of the settings in the encoding of this process.

The settings are UTF-8, and so are the names of the files that they mean, whatever the locale of the
process that opens them: in `de_DE.ISO-8859-1` Python would look for other bytes.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from schemas.codec import replace
from schemas.records import Struct

S = TypeVar("S", bound=Struct)


def for_this_process(settings: S) -> S:
    """The settings with paths that open what they mean here."""
    if _is_utf_8():
        return settings
    changed: S = _changed(settings, lambda path: os.fsdecode(path.encode()))
    return changed


def as_in_the_file(settings: S) -> S:
    """The settings with the texts of the file, which another process can be given."""
    if _is_utf_8():
        return settings
    changed: S = _changed(settings, lambda path: os.fsencode(path).decode())
    return changed


def _is_utf_8() -> bool:
    return sys.getfilesystemencoding() == "utf-8"


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every path in it changed."""
    if isinstance(value, str) and value.startswith("/"):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_changed(item, change) for item in value)
    if isinstance(value, Mapping):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, Struct):
        fields = {name: _changed(getattr(value, name), change) for name in value.__struct_fields__}
        return replace(value, **fields)
    return value
