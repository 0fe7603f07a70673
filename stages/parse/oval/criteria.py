"""Criteria trees: what made a definition come out otherwise than wanted, and nothing else. Pure.

The recorded results decide; nothing is evaluated anew. Source of the operators: the OVAL language 5.11,
OperatorEnumeration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stages.parse.oval.model import Node, Truth

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
Lookup = Callable[[str], Node | None]


def cause(node: Node, wanted: bool, lookup: Lookup, path: frozenset[str] = frozenset()) -> Cause:
    """Why the node is not `wanted`. Its recorded result must not be `wanted`.

    `lookup` gives another definition's tree; a definition that extends itself is told as silent.
    """
    inner = wanted != node.negate
    if node.test is not None:
        return Demand(node.test, inner, negated(node.result, node.negate))
    if node.definition is not None:
        tree = None if node.definition in path else lookup(node.definition)
        result = negated(node.result, node.negate)
        if tree is None or holds(tree.result, inner):
            return Silent(node.definition, inner, result)
        return cause(tree, inner, lookup, path | {node.definition})
    return _of_operator(node, inner, lookup, path)


def holds(result: Truth, wanted: bool) -> bool:
    return result == ("true" if wanted else "false")


def negated(result: Truth, negate: bool) -> Truth:
    if negate and result in ("true", "false"):
        return "false" if result == "true" else "true"
    return result


def _of_operator(node: Node, wanted: bool, lookup: Lookup, path: frozenset[str]) -> Cause:
    children = [child for child in node.children if child.result != "not applicable"] or list(node.children)
    if not children:
        return Silent(None, wanted, negated(node.result, node.negate))
    if node.operator in ("ONE", "XOR"):
        mode, parts = _counted(node.operator, wanted, children)
    else:
        mode = "all" if (node.operator == "AND") == wanted else "any"
        parts = [(child, wanted) for child in children if not holds(child.result, wanted)]
    told = tuple(cause(child, target, lookup, path) for child, target in parts)
    if not told:
        return Silent(None, wanted, negated(node.result, node.negate))
    return told[0] if len(told) == 1 else Group(mode, _flat(mode, told))


def _flat(mode: Mode, parts: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Parts of parts of the same mode are parts, for all and any."""
    if mode not in ("all", "any"):
        return parts
    return tuple(
        inner
        for part in parts
        for inner in (part.parts if isinstance(part, Group) and part.mode == mode else (part,))
    )


def _counted(operator: str, wanted: bool, children: list[Node]) -> tuple[Mode, list[tuple[Node, bool]]]:
    true = [child for child in children if child.result == "true"]
    if operator == "ONE":
        if wanted and len(true) > 1:
            return "only one", [(child, False) for child in true]
        if not wanted and true:
            return "any", [(child, False) for child in true]
        return "one", [(child, True) for child in children if child.result != "true"]
    return ("odd" if wanted else "even"), [(child, child.result != "true") for child in children]
