"""Criteria trees: what made a definition come out otherwise than wanted, and nothing else. Pure.

The recorded results decide; nothing is evaluated anew. Source of the operators: the OVAL language 5.11,
OperatorEnumeration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stages.scanners.openscap.oval.model import Node, Truth

Mode = Literal["all", "any", "one", "only one", "odd", "even"]


@dataclass(frozen=True, slots=True)
class Demand:
    """A test that should have come out as `wanted`, and did not."""

    test: str
    wanted: bool
    result: Truth


@dataclass(frozen=True, slots=True)
class Group:
    """Demands together. `all`: every one had to hold, and none does; `any`: one of them would have been enough;
    `one`: exactly one would have been right, and none holds; `only one`: several hold, and one may;
    `odd`, `even`: so many of them should have held."""

    mode: Mode
    parts: tuple["Cause", ...]


@dataclass(frozen=True, slots=True)
class Silent:
    """A part that the results say nothing more of: a definition that is not in them, a tree without tests."""

    definition: str | None
    wanted: bool
    result: Truth


Cause = Demand | Group | Silent
_MAX_PARTS = 2000
_MAX_EXTENSIONS = 8
"""Definitions may extend each other; beyond this depth the reader has lost track as well."""
Lookup = Callable[[str], Node | None]


def cause(node: Node, wanted: bool, lookup: Lookup) -> Cause:
    """Why the node is not `wanted`. Its recorded result must not be `wanted`.

    `lookup` gives another definition's tree. A definition that extends itself, and whatever goes beyond some
    thousand parts, is told as silent: content may be made to multiply.
    """
    return _Search(lookup).cause(node, wanted, frozenset())


class _Search:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._left = _MAX_PARTS

    def cause(self, node: Node, wanted: bool, path: frozenset[str]) -> Cause:
        inner = wanted != node.negate
        result = negated(node.result, node.negate)
        self._left -= 1
        if self._left < 0:
            return Silent(None, inner, result)
        if node.test is not None:
            return Demand(node.test, inner, result)
        if node.definition is not None:
            return self._extended(node.definition, inner, result, path)
        return self._of_operator(node, inner, path)

    def _extended(self, name: str, wanted: bool, result: Truth, path: frozenset[str]) -> Cause:
        tree = None if name in path or len(path) >= _MAX_EXTENSIONS else self._lookup(name)
        if tree is None or holds(tree.result, wanted):
            return Silent(name, wanted, result)
        return self.cause(tree, wanted, path | {name})

    def _of_operator(self, node: Node, wanted: bool, path: frozenset[str]) -> Cause:
        children = [c for c in node.children if c.result != "not applicable"] or list(node.children)
        if node.operator in ("ONE", "XOR"):
            mode, parts = _counted(node.operator, wanted, children)
        else:
            mode = "all" if (node.operator == "AND") == wanted else "any"
            parts = [(child, wanted) for child in children if not holds(child.result, wanted)]
        told = tuple(self.cause(child, target, path) for child, target in parts)
        if not told:
            return Silent(None, wanted, negated(node.result, node.negate))
        return told[0] if len(told) == 1 else Group(mode, _flat(mode, told))


def holds(result: Truth, wanted: bool) -> bool:
    return result == ("true" if wanted else "false")


def decided(cause: Cause) -> bool:
    """Whether all of it was evaluated, and did not come out as wanted."""
    if isinstance(cause, Group):
        return all(decided(part) for part in cause.parts)
    return cause.result in ("true", "false")


def negated(result: Truth, negate: bool) -> Truth:
    if negate and result in ("true", "false"):
        return "false" if result == "true" else "true"
    return result


def _flat(mode: Mode, parts: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Parts of parts of the same mode are parts, for all and any."""
    if mode not in ("all", "any"):
        return parts
    return tuple(
        inner
        for part in parts
        for inner in (part.parts if isinstance(part, Group) and part.mode == mode else (part,))
    )


def _counted(
    operator: str, wanted: bool, children: list[Node]
) -> tuple[Mode, list[tuple[Node, bool]]]:
    true = [child for child in children if child.result == "true"]
    if operator == "ONE":
        if wanted and len(true) > 1:
            return "only one", [(child, False) for child in true]
        if not wanted and true:
            return "any", [(child, False) for child in true]
        return "one", [(child, True) for child in children if child.result != "true"]
    return ("odd" if wanted else "even"), [(child, child.result != "true") for child in children]
