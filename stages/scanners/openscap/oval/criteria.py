"""Criteria trees: the criteria that made a definition fail, and no others. Pure.

The recorded results decide; nothing is evaluated again. Source of the operators: the OVAL language
5.11, OperatorEnumeration.

An example. This definition should be true:

    AND                   false
      criterion A         true
      OR                  false
        criterion B       false
        criterion C       false   (negate="true")

A is as expected and is left out. The explanation is `FailedGroup("any", (B, C))`: each of B and C
would have been enough. C is negated, so its own test was expected to be false and came out true:
`FailedCriterion("C", expected=False, result="true")`.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from schemas.records import Struct
from stages.scanners.openscap.oval.oval_model import CriteriaNode, ResultValue

GroupMode = Literal["all", "any", "only one", "other"]


class FailedCriterion(Struct, frozen=True):
    """A test whose result is not the expected one."""

    test: str
    expected: bool
    result: ResultValue


class FailedGroup(Struct, frozen=True):
    """Parts that failed together.

    - `all`: each part had to hold, and none does;
    - `any`: one of the parts would have been enough;
    - `only one`: several hold where only one may;
    - `other`: another number of parts had to hold, so that a change of any one is enough.
    """

    mode: GroupMode
    parts: tuple["FailedPart", ...]


class Unexplained(Struct, frozen=True):
    """A part without details in the results: a missing definition, or a tree without tests."""

    definition: str | None
    expected: bool
    result: ResultValue


FailedPart = FailedCriterion | FailedGroup | Unexplained
TreeLookup = Callable[[str], CriteriaNode | None]
"""Returns the criteria tree of a definition by its id."""

_Branches = list[tuple[CriteriaNode, bool]]
"""Child nodes, each with the value that was expected of it."""
_OPPOSITE: dict[ResultValue, ResultValue] = {"true": "false", "false": "true"}
RESULT_OF: dict[bool, ResultValue] = {True: "true", False: "false"}
_MAX_PARTS = 2000
_MAX_EXTENSIONS = 8
"""Definitions may extend each other; content may be made to do so without end."""


def failed_part(node: CriteriaNode, expected: bool, lookup: TreeLookup) -> FailedPart:
    """Why the node is not `expected`. Its recorded result must not be the expected one.

    A definition that extends itself, and all parts beyond the first 2000, are `Unexplained`: in
    hostile content a small tree can stand for a very large one.
    """
    return _CriteriaWalk(lookup).failed_part(node, expected, 0)


class _CriteriaWalk:
    def __init__(self, lookup: TreeLookup) -> None:
        self._lookup = lookup
        self._parts_left = _MAX_PARTS

    def failed_part(self, node: CriteriaNode, expected: bool, extensions: int) -> FailedPart:
        """`extensions` counts the definitions on the path from the root."""
        # The recorded result of the node is the one after its negation.
        expected_below = expected != node.negate
        result_below = negated(node.result, node.negate)
        self._parts_left -= 1
        if self._parts_left < 0:
            return Unexplained(None, expected_below, result_below)
        if node.test is not None:
            return FailedCriterion(node.test, expected_below, result_below)
        if node.definition is not None:
            return self._extended(node.definition, expected_below, result_below, extensions)
        return self._operator(node, expected_below, result_below, extensions)

    def _extended(
        self, name: str, expected: bool, result: ResultValue, extensions: int
    ) -> FailedPart:
        tree = self._lookup(name)
        if tree is None or extensions == _MAX_EXTENSIONS or holds(tree.result, expected):
            return Unexplained(name, expected, result)
        return self.failed_part(tree, expected, extensions + 1)

    def _operator(
        self, node: CriteriaNode, expected: bool, result: ResultValue, extensions: int
    ) -> FailedPart:
        applicable = [child for child in node.children if child.result != "not applicable"]
        mode, branches = _failed_branches(node.operator, expected, applicable)
        parts = []
        for child, expected_of_child in branches:
            parts.append(self.failed_part(child, expected_of_child, extensions))
        if not parts:
            return Unexplained(None, expected, result)
        if len(parts) == 1:
            return parts[0]
        return FailedGroup(mode, _flattened(mode, parts))


def holds(result: ResultValue, expected: bool) -> bool:
    """Whether a result is the expected one."""
    return result == RESULT_OF[expected]


def decided(part: FailedPart) -> bool:
    """Whether all of it was evaluated to true or false."""
    if not isinstance(part, FailedGroup):
        return part.result in ("true", "false")
    return all(decided(inner) for inner in part.parts)


def negated(result: ResultValue, negate: bool) -> ResultValue:
    """The result before (or after) a negation, which leaves errors as they are."""
    if not negate:
        return result
    return _OPPOSITE.get(result, result)


def _flattened(mode: GroupMode, parts: Sequence[FailedPart]) -> tuple[FailedPart, ...]:
    """Groups of the modes `all` and `any` take in those of the same mode; others stay nested."""
    if mode not in ("all", "any"):
        return tuple(parts)
    flat: list[FailedPart] = []
    for part in parts:
        if isinstance(part, FailedGroup) and part.mode == mode:
            flat += part.parts
        else:
            flat.append(part)
    return tuple(flat)


def _failed_branches(
    operator: str, expected: bool, children: Sequence[CriteriaNode]
) -> tuple[GroupMode, _Branches]:
    """The children that explain the failure, and how they belong together."""
    if operator in ("ONE", "XOR"):
        return _wrong_number(operator, expected, children)
    failed = [(child, expected) for child in children if not holds(child.result, expected)]
    # By De Morgan an AND that should be false is an OR of parts that should be false.
    each_has_to_change = (operator == "AND") == expected
    if each_has_to_change:
        return "all", failed
    return "any", failed


def _wrong_number(
    operator: str, expected: bool, children: Sequence[CriteriaNode]
) -> tuple[GroupMode, _Branches]:
    """The operators ONE (exactly one child has to hold) and XOR (an odd number of them)."""
    holding = [(child, False) for child in children if child.result == "true"]
    has_to_be_one = operator == "ONE" and expected
    if has_to_be_one and len(holding) > 1:
        return "only one", holding
    # A number that is odd becomes even, and one becomes none or two.
    return "other", [(child, child.result != "true") for child in children]
