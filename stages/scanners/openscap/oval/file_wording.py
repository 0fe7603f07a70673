"""Where files are looked for: `/etc/x`, `files named *.conf in /etc and below`. Pure."""

from collections.abc import Mapping

from schemas.records import Struct
from stages.scanners.openscap.oval.entity_wording import ValueText, object_value
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.oval_model import Entity
from stages.scanners.openscap.oval.pattern_wording import pattern_text

_ANY_NAME = frozenset(("^.*$", ".*", "^.+$", ".+"))
"""Patterns that every file name matches."""


class FilesIn(Struct, frozen=True):
    """Files of one directory: `files named *.conf`, and where they are."""

    files: str
    directory: str


class FilePlace(Struct, frozen=True):
    """`text` names the files; `with_type` is the same with what they are, `file /etc/x`."""

    text: str
    with_type: str
    is_plural: bool = False
    files_in: FilesIn | None = None
    """The text's two parts, where it names some files of one directory."""


def file_place(
    entities: Mapping[str, Entity], scope: EvaluationScope, *, recursive: bool
) -> FilePlace | None:
    """The place of the files that an object looks for; None where it has no path.

    An object has the whole path (`filepath`), a directory (`path`), or a directory and a name
    (`path` and `filename`).
    """
    filepath = entities.get("filepath")
    if filepath is not None:
        return _single(object_value(filepath, scope.values(filepath)), "file", "files")
    path = entities.get("path")
    if path is None:
        return None
    directory = object_value(path, scope.values(path))
    filename = entities.get("filename")
    if filename is None:
        return _single(directory, "directory", "directories")
    name = object_value(filename, scope.values(filename))
    files = _files(name, scope.value(filename) or "")
    directories = _directories(directory, recursive=recursive)
    text = f"{files} in {directories}"
    if recursive or directory.is_several:
        return FilePlace(text, text, is_plural=True)
    if name.is_several:
        return FilePlace(text, text, is_plural=True, files_in=FilesIn(files, directories))
    path_text = f"{directory.text.rstrip('/')}/{name.text}"
    return FilePlace(path_text, f"file {path_text}")


def _files(name: ValueText, pattern: str) -> str:
    """`files named sysctl.conf`, or `files named *.conf` for the pattern `^.*\\.conf$`."""
    if not name.is_pattern:
        return f"files named {name.text}"
    if pattern in _ANY_NAME:
        return "files"
    ending = _ending(pattern)
    if ending is not None:
        return f"files named *{ending}"
    return f"files {name.text}"


def _ending(pattern: str) -> str | None:
    """`.conf`, if the pattern matches the names that end with it, and no others."""
    found = pattern_text(pattern)
    is_ending = found.ends_line and not found.starts_line
    if not is_ending or not found.is_equivalent or " " in found.text:
        return None
    return found.text


def _single(place: ValueText, singular: str, plural: str) -> FilePlace:
    if place.is_pattern:
        text = f"{plural} {place.text}"
        return FilePlace(text, text, is_plural=True)
    return FilePlace(place.text, f"{singular} {place.text}")


def _directories(directory: ValueText, *, recursive: bool) -> str:
    text = directory.text
    if directory.is_pattern:
        text = f"directories {text}"
    if recursive:
        text += " and below"
    return text
