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

SettingsKey = tuple[str, str]
"""A section and a key in it."""


class SettingsEditError(Exception):
    """The file can't be changed in this way; the text is the reason."""


def changed(text: str, changes: Mapping[SettingsKey, str | None]) -> str:
    """The text of a settings file with other values. Raises SettingsEditError."""
    wanted = _plain(text)
    result = text
    for (section, key), value in changes.items():
        if _is_already(wanted, section, key, value):
            continue
        _set_plain(wanted, section, key, value)
        result = _with_value(result, section, key, value)
    if not _are_equal(_plain(result), wanted):
        raise SettingsEditError("is laid out in a way that can't be changed automatically")
    return result


def _are_equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """False for values that contain themselves, which an anchor allows."""
    try:
        return one == other
    except RecursionError:
        return False


def _plain(text: str) -> dict[str, Any]:
    values, problems = plain_values(text.encode())
    if problems:
        raise SettingsEditError(problems[0])
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
    if root is None:
        return f"{_ended(text)}{section}:\n  {key}: {shown}\n"
    if not isinstance(root, yaml.MappingNode):
        # A null that is written out: `~`.
        return _replaced(text, root, f"{section}:\n  {key}: {shown}\n")
    body = _value_of(root, section)
    if body is None and root.flow_style:
        return _put_in(text, root, f'"{section}": {{"{key}": {shown}}}')
    if body is None:
        return f"{_ended(text)}\n{section}:\n  {key}: {shown}\n"
    if not isinstance(body, yaml.MappingNode):
        return _replaced(text, body, f"\n  {key}: {shown}")
    old = _value_of(body, key)
    if old is not None:
        return _replaced(text, old, f" {shown}" if _is_empty(old) else shown)
    if body.flow_style:
        return _put_in(text, body, f'"{key}": {shown}')
    return _put_first(text, body, f"{key}: {shown}")


def _value_of(mapping: yaml.MappingNode, name: str) -> yaml.Node | None:
    for key, value in mapping.value:
        if key.value == name:
            found: yaml.Node = value
            return found
    return None


def _is_empty(node: yaml.Node) -> bool:
    return bool(node.start_mark.index == node.end_mark.index)


def _replaced(text: str, node: yaml.Node, new: str) -> str:
    return text[: node.start_mark.index] + new + text[node.end_mark.index :]


def _put_in(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """As the first entry of `{…}`."""
    after_brace = mapping.start_mark.index + 1
    if mapping.value:
        entry = f"{entry}, "
    return text[:after_brace] + entry + text[after_brace:]


def _put_first(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """As the first line of an indented section."""
    first_key = mapping.value[0][0].start_mark
    indentation = " " * first_key.column
    return f"{text[: first_key.index]}{entry}\n{indentation}{text[first_key.index :]}"


def _ended(text: str) -> str:
    if text and not text.endswith("\n"):
        return f"{text}\n"
    return text
