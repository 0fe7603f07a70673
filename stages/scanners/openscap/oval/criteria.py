"""Criteria trees: what made a definition come out otherwise than wanted, and nothing else. Pure.

The recorded results decide; nothing is evaluated anew. Source of the operators: the OVAL language 5.11,
OperatorEnumeration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stages.scanners.openscap.oval.oval_model import CriteriaNode, ResultValue

Mode = Literal["all", "any", "one", "only one", "odd", "even"]


@dataclass(frozen=True, slots=True)
class FailedCriterion:
    """A test that should have come out as `wanted`, and did not."""

    test: str
    wanted: bool
    result: ResultValue


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """Demands together. `all`: every one had to hold, and none does; `any`: one of them would have been enough;
    `one`: exactly one would have been right, and none holds; `only one`: several hold, and one may;
    `odd`, `even`: so many of them should have held."""

    mode: Mode
    parts: tuple["FailedPart", ...]


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A part that the results say nothing more of: a definition that is not in them, a tree without tests."""

    definition: str | None
    wanted: bool
    result: ResultValue


FailedPart = FailedCriterion | FailedGroup | Unexplained
_MAX_PARTS = 2000
_MAX_EXTENSIONS = 8
"""Definitions may extend each other; beyond this depth the reader has lost track as well."""
Lookup = Callable[[str], CriteriaNode | None]


def failed_part(node: CriteriaNode, wanted: bool, lookup: Lookup) -> FailedPart:
    """Why the node is not `wanted`. Its recorded result must not be `wanted`.

    `lookup` gives another definition's tree. A definition that extends itself, and whatever goes beyond some
    thousand parts, is told as silent: content may be made to multiply.
    """
    return _Search(lookup).failed_part(node, wanted, frozenset())


class _Search:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._left = _MAX_PARTS

    def failed_part(self, node: CriteriaNode, wanted: bool, path: frozenset[str]) -> FailedPart:
        inner = wanted != node.negate
        result = negated(node.result, node.negate)
        self._left -= 1
        if self._left < 0:
            return Unexplained(None, inner, result)
        if node.test is not None:
            return FailedCriterion(node.test, inner, result)
        if node.definition is not None:
            return self._extended(node.definition, inner, result, path)
        return self._of_operator(node, inner, path)

    def _extended(
        self, name: str, wanted: bool, result: ResultValue, path: frozenset[str]
    ) -> FailedPart:
        tree = None if name in path or len(path) >= _MAX_EXTENSIONS else self._lookup(name)
        if tree is None or holds(tree.result, wanted):
            return Unexplained(name, wanted, result)
        return self.failed_part(tree, wanted, path | {name})

    def _of_operator(self, node: CriteriaNode, wanted: bool, path: frozenset[str]) -> FailedPart:
        children = [c for c in node.children if c.result != "not applicable"] or list(node.children)
        if node.operator in ("ONE", "XOR"):
            mode, parts = _counted(node.operator, wanted, children)
        else:
            mode = "all" if (node.operator == "AND") == wanted else "any"
            parts = [(child, wanted) for child in children if not holds(child.result, wanted)]
        told = tuple(self.failed_part(child, target, path) for child, target in parts)
        if not told:
            return Unexplained(None, wanted, negated(node.result, node.negate))
        return told[0] if len(told) == 1 else FailedGroup(mode, _flat(mode, told))


def holds(result: ResultValue, wanted: bool) -> bool:
    return result == ("true" if wanted else "false")


def decided(cause: FailedPart) -> bool:
    """Whether all of it was evaluated, and did not come out as wanted."""
    if isinstance(cause, FailedGroup):
        return all(decided(part) for part in cause.parts)
    return cause.result in ("true", "false")


def negated(result: ResultValue, negate: bool) -> ResultValue:
    if negate and result in ("true", "false"):
        return "false" if result == "true" else "true"
    return result


def _flat(mode: Mode, parts: tuple[FailedPart, ...]) -> tuple[FailedPart, ...]:
    """Parts of parts of the same mode are parts, for all and any."""
    if mode not in ("all", "any"):
        return parts
    return tuple(
        inner
        for part in parts
        for inner in (
            part.parts if isinstance(part, FailedGroup) and part.mode == mode else (part,)
        )
    )


def _counted(
    operator: str, wanted: bool, children: list[CriteriaNode]
) -> tuple[Mode, list[tuple[CriteriaNode, bool]]]:
    true = [child for child in children if child.result == "true"]
    if operator == "ONE":
        if wanted and len(true) > 1:
            return "only one", [(child, False) for child in true]
        if not wanted and true:
            return "any", [(child, False) for child in true]
        return "one", [(child, True) for child in children if child.result != "true"]
    return ("odd" if wanted else "even"), [(child, child.result != "true") for child in children]
