"""Where files are looked for: `/etc/x`, `files named *.conf in /etc and below`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.scanners.openscap.oval.entity_wording import MATCHING, object_value
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.oval_model import Entity
from stages.scanners.openscap.oval.pattern_wording import pattern_text

_ANY_NAME = frozenset(("matching ^.*$", "matching .*", "matching ^.+$", "matching .+"))


@dataclass(frozen=True)
class FilePlace:
    """`text` names the files; `with_type` is the same with what they are, `file /etc/x`."""

    text: str
    with_type: str


def file_place(
    entities: Mapping[str, Entity], scope: EvaluationScope, *, recursive: bool
) -> FilePlace | None:
    """The place of the files that an object looks for; None where it gives no path.

    Objects give it as a whole (`filepath`), as a directory (`path`), or as a directory and a name
    (`path` and `filename`).
    """
    filepath, path = entities.get("filepath"), entities.get("path")
    filename = entities.get("filename")
    if filepath is not None:
        return _single(object_value(filepath, scope.values(filepath)), "file", "files")
    if path is None:
        return None
    directory = object_value(path, scope.values(path))
    if filename is None:
        return _single(directory, "directory", "directories")
    name = _file_name(filename, scope)
    return _in_directory(directory, name, recursive=recursive)


def _file_name(filename: Entity, scope: EvaluationScope) -> str:
    """`sysctl.conf`, or `*.conf` for the pattern `^.*\\.conf$`."""
    value = scope.value(filename)
    if filename.operation == "pattern match" and value is not None:
        found = pattern_text(value)
        is_exact = found is not None and found.is_equivalent and " " not in found.text
        if found is not None and is_exact and found.ends_line and not found.starts_line:
            return f"*{found.text}"
    return object_value(filename, scope.values(filename))


def _single(place: str, singular: str, plural: str) -> FilePlace:
    if place.startswith(MATCHING):
        return _several(f"{plural} {place}")
    return FilePlace(place, f"{singular} {place}")


def _in_directory(directory: str, name: str, *, recursive: bool) -> FilePlace:
    inside = directory
    if directory.startswith(MATCHING):
        inside = f"directories {directory}"
    if recursive:
        inside += " and below"
    if name in _ANY_NAME:
        return _several(f"files in {inside}")
    if name.startswith(MATCHING):
        return _several(f"files {name} in {inside}")
    several_names = ", " in name or "*" in name
    if inside != directory or several_names:
        return _several(f"files named {name} in {inside}")
    path = f"{directory.rstrip('/')}/{name}"
    return FilePlace(path, f"file {path}")


def _several(text: str) -> FilePlace:
    return FilePlace(text, text)
