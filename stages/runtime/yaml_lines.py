"""Where keys and list items stand in YAML, for messages that name a line.

The text must be YAML: `stages.runtime.settings_file.plain_values` has read it before, and refuses
anchors that contain themselves, and keys that are lists.
"""

from collections.abc import Iterator, Mapping

import yaml

from schemas.codec import replace
from schemas.settings_check import KeyProblem


def item_lines(text: bytes) -> tuple[int, ...]:
    """The line of each item of the outermost list, from 1. Empty where there is no list."""
    node = yaml.compose(text.decode(), Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.SequenceNode):
        return ()
    return tuple(item.start_mark.line + 1 for item in node.value)


def key_lines(text: bytes) -> dict[str, int]:
    """The line of each key and item by its path, `compliance.openscap.scans[1].profile`."""
    node = yaml.compose(text.decode(), Loader=yaml.SafeLoader)
    return dict(_lines(node, ""))


def with_line(problem: KeyProblem, lines: Mapping[str, int]) -> KeyProblem:
    """The problem of a setting with its line, or with that of the nearest section around it.

    One that has a line already, or a setting that is not in the file, stays as it is.
    """
    path = problem.key or ""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    if not path or problem.line is not None:
        return problem
    return replace(problem, line=lines[path])


def _lines(node: yaml.Node | None, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            place = f"{path}[{number}]"
            yield place, item.start_mark.line + 1
            yield from _lines(item, place)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = f"{path}.{key.value}".removeprefix(".")
            yield place, key.start_mark.line + 1
            yield from _lines(value, place)
