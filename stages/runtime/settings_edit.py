"""Changing a few values of a settings file, and nothing else of it: comments and layout stay.

Each value is replaced where the YAML parser has found it, from the first character to the last; a
key that is missing is put in as the first of its section, a section that is missing at the end.

Promises: the result was read again, and means what the file meant, except for the new values. A
layout for which that is not so is refused.

Example: `server.url` of

    server:   # the test server
      verify: true

becomes

    server:   # the test server
      url: "https://patchmon.example.com"
      verify: true
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

import yaml

from stages.runtime.settings_file import plain_values

_LAYOUT = "is laid out in a way that can't be changed automatically"
SettingsKey = tuple[str, str]
"""A section and a key in it."""
_Entry = tuple[yaml.Node, yaml.Node]
"""A key and its value, as they stand in the file."""


class SettingsEditError(Exception):
    """The file can't be changed in this way; the text is the reason."""


def changed(text: str, changes: Mapping[SettingsKey, str | None]) -> str:
    """The text of a settings file with other values, of which there is at least one. Raises
    SettingsEditError.
    """
    wanted = _plain(text)
    result = text
    for (section, key), value in changes.items():
        if _is_already(wanted, section, key, value):
            continue
        _set_plain(wanted, section, key, value)
        result = _with_value(result, section, key, value)
    values, _ = plain_values(result.encode())
    if values != wanted:
        raise SettingsEditError(_LAYOUT)
    return result


def _plain(text: str) -> dict[str, Any]:
    values, problems = plain_values(text.encode())
    if problems:
        raise SettingsEditError(str(problems[0]))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsEditError("does not consist of sections")
    # Each on its own: an anchor lets two sections be one object.
    return {section: copy.deepcopy(body) for section, body in values.items()}


def _is_already(values: dict[str, Any], section: str, key: str, value: str | None) -> bool:
    body = values.get(section)
    return isinstance(body, dict) and key in body and body[key] == value


def _set_plain(values: dict[str, Any], section: str, key: str, value: str | None) -> None:
    if values.get(section) is None:
        values[section] = {}
    if not isinstance(values[section], dict):
        raise SettingsEditError(f"{section}: is not a section")
    values[section][key] = value


def _with_value(text: str, section: str, key: str, value: str | None) -> str:
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    shown = json.dumps(value, ensure_ascii=False)
    if not isinstance(root, yaml.MappingNode):
        # There is no section yet.
        return f"{_ended(text)}{section}:\n  {key}: {shown}\n"
    in_file = _entry(root, section)
    if in_file is None:
        return f"{_ended(text)}\n{section}:\n  {key}: {shown}\n"
    body = in_file[1]
    if not isinstance(body, yaml.MappingNode):
        return _replaced(text, in_file, f"\n  {key}: {shown}")
    old = _entry(body, key)
    if old is not None:
        return _replaced(text, old, f" {shown}")
    if body.flow_style:
        raise SettingsEditError(_LAYOUT)
    return _put_first(text, body, f"{key}: {shown}")


def _entry(mapping: yaml.MappingNode, name: str) -> _Entry | None:
    return next((entry for entry in mapping.value if entry[0].value == name), None)


def _replaced(text: str, entry: _Entry, new: str) -> str:
    key, value = entry
    return f"{text[: key.end_mark.index]}:{new}{text[value.end_mark.index :]}"


def _put_first(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """As the first line of an indented section."""
    first_key = mapping.value[0][0].start_mark
    indentation = " " * first_key.column
    return f"{text[: first_key.index]}{entry}\n{indentation}{text[first_key.index :]}"


def _ended(text: str) -> str:
    if text and not text.endswith("\n"):
        return f"{text}\n"
    return text
