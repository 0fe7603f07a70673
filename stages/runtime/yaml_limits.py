"""What a YAML document may hold: anchors, numbers and mappings can make a short file cost minutes
or all memory.

Diagnostics: YamlLimitError with the line, and what is too much there.
"""

import yaml

_MOST_VALUES = 100_000
_MOST_KEYS = 1000
_LONGEST_NUMBER = 40
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


class YamlLimitError(Exception):
    """A document that must not be built."""


def check(node: yaml.Node | None) -> None:
    """Raises YamlLimitError, and RecursionError for what is nested too deeply."""
    if node is not None:
        _size(node, {}, set())


def _size(node: yaml.Node, known: dict[int, int], within: set[int]) -> int:
    """The number of values of a node, each as often as anchors repeat it."""
    size = known.get(id(node))
    if size is not None:
        return size
    if id(node) in within:
        raise _error(node, "an anchor that contains itself")
    within.add(id(node))
    size = 1
    for child in _children(node):
        size += _size(child, known, within)
        if size > _MOST_VALUES:
            raise _error(node, f"more than {_MOST_VALUES} values, with those that anchors repeat")
    within.discard(id(node))
    # Each node is measured once and counted wherever an anchor repeats it. So the check takes time
    # by the length of the file, not by that of the document.
    known[id(node)] = size
    return size


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.ScalarNode):
        if node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            raise _error(node, f"a number of {len(node.value)} characters")
        return []
    if isinstance(node, yaml.MappingNode):
        if len(node.value) > _MOST_KEYS:
            raise _error(node, f"a mapping of {len(node.value)} keys, more than {_MOST_KEYS}")
        return [part for pair in node.value for part in pair]
    return list(node.value)


def _error(node: yaml.Node, what: str) -> YamlLimitError:
    return YamlLimitError(f"line {node.start_mark.line + 1}: {what}")
