"""Only what made a definition fail is explained: properties, checked against a slow evaluator."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.scanners.openscap.oval.criteria import (
    FailedCriterion,
    FailedGroup,
    FailedPart,
    Unexplained,
    failed_part,
    holds,
)
from stages.scanners.openscap.oval.oval_model import CriteriaNode, ResultValue

pytestmark = pytest.mark.slow

Leaf = tuple[str, bool, ResultValue]
Branch = tuple[str, bool, list["Leaf | Branch"]]

_TABLE: dict[str, tuple[ResultValue, ResultValue]] = {
    "AND": ("false", "true"),
    "OR": ("true", "false"),
}
_ORDER: tuple[ResultValue, ...] = ("error", "unknown", "not evaluated")


def evaluate(operator: str, results: list[ResultValue]) -> ResultValue:
    """The OVAL language's truth tables, word for word."""
    relevant = [result for result in results if result != "not applicable"]
    if not relevant:
        return "not applicable"
    if operator in _TABLE:
        decisive, otherwise = _TABLE[operator]
        if decisive in relevant:
            return decisive
        return next((word for word in _ORDER if word in relevant), otherwise)
    true = relevant.count("true")
    if operator == "ONE" and true > 1:
        return "false"
    for word in _ORDER:
        if word in relevant:
            return word
    if operator == "ONE":
        return "true" if true == 1 else "false"
    return "true" if true % 2 else "false"


def negate(result: ResultValue) -> ResultValue:
    flipped: dict[ResultValue, ResultValue] = {"true": "false", "false": "true"}
    return flipped.get(result, result)


def trees(results: list[ResultValue]) -> st.SearchStrategy[Branch]:
    leaf = st.tuples(st.just("leaf"), st.booleans(), st.sampled_from(results))
    operator = st.sampled_from(["AND", "OR", "ONE", "XOR"])

    def branch(children: st.SearchStrategy[Leaf | Branch]) -> st.SearchStrategy[Branch]:
        return st.tuples(operator, st.booleans(), st.lists(children, min_size=1, max_size=4))

    inner: st.SearchStrategy[Leaf | Branch] = st.recursive(leaf, branch, max_leaves=12)
    return branch(inner)


def build(
    tree: Leaf | Branch, numbers: Iterator[int], flipped: dict[str, ResultValue]
) -> CriteriaNode:
    kind, negated, rest = tree
    if isinstance(rest, str):
        name = f"t{next(numbers)}"
        result = flipped.get(name, rest)
        return CriteriaNode(negate(result) if negated else result, negated, test=name)
    children = tuple(build(child, numbers, flipped) for child in rest)
    result = evaluate(kind, [child.result for child in children])
    return CriteriaNode(
        negate(result) if negated else result, negated, operator=kind, children=children
    )


def failed_criteria(found: FailedPart) -> list[FailedCriterion]:
    if isinstance(found, FailedCriterion):
        return [found]
    return (
        [criterion for part in found.parts for criterion in failed_criteria(part)]
        if isinstance(found, FailedGroup)
        else []
    )


def corrections(found: FailedPart) -> dict[str, ResultValue]:
    """The test results that would have changed the outcome, according to the explanation."""
    if isinstance(found, FailedCriterion):
        return {found.test: "true" if found.expected else "false"}
    assert isinstance(found, FailedGroup)
    chosen = {"all": found.parts, "only one": found.parts[1:]}.get(found.mode, found.parts[:1])
    return {test: result for part in chosen for test, result in corrections(part).items()}


def nothing(_: str) -> CriteriaNode | None:
    return None


@given(trees(["true", "false"]), st.booleans())
def test_correcting_what_is_explained_gives_the_definition_its_expected_result(
    tree: Branch, expected: bool
) -> None:
    root = build(tree, count(), {})
    if holds(root.result, expected):
        return
    found = failed_part(root, expected, nothing)
    corrected = build(tree, count(), corrections(found))
    assert holds(corrected.result, expected)


@given(
    trees(["true", "false", "error", "unknown", "not evaluated", "not applicable"]), st.booleans()
)
def test_a_test_with_the_expected_result_is_left_out(tree: Branch, expected: bool) -> None:
    root = build(tree, count(), {})
    if holds(root.result, expected):
        return
    for criterion in failed_criteria(failed_part(root, expected, nothing)):
        assert not holds(criterion.result, criterion.expected)


@given(trees(["true", "false", "error"]), st.booleans())
def test_there_is_always_an_explanation(tree: Branch, expected: bool) -> None:
    root = build(tree, count(), {})
    if not holds(root.result, expected):
        assert failed_criteria(failed_part(root, expected, nothing))


@given(trees(["true", "false"]), st.booleans())
def test_an_extended_definition_is_explained_like_its_own_criteria(
    tree: Branch, expected: bool
) -> None:
    root = build(tree, count(), {})
    if holds(root.result, expected):
        return
    extended = CriteriaNode(root.result, definition="d")
    assert failed_part(extended, expected, {"d": root}.get) == failed_part(root, expected, nothing)


def test_a_definition_that_extends_itself_is_unexplained() -> None:
    loop = CriteriaNode("false", operator="AND", children=(CriteriaNode("false", definition="d"),))
    assert failed_part(loop, True, {"d": loop}.get) == Unexplained("d", True, "false")


def test_only_the_failed_parts_of_an_and_are_explained() -> None:
    good, bad = CriteriaNode("true", test="good"), CriteriaNode("false", test="bad")
    assert failed_part(
        CriteriaNode("false", children=(good, bad)), True, nothing
    ) == FailedCriterion("bad", True, "false")


def test_a_negated_test_is_one_that_should_be_false() -> None:
    negated = CriteriaNode("false", negate=True, test="t")
    assert failed_part(
        CriteriaNode("false", children=(negated,)), True, nothing
    ) == FailedCriterion("t", False, "true")


def test_several_true_parts_where_only_one_may_be_are_a_group() -> None:
    both = (CriteriaNode("true", test="a"), CriteriaNode("true", test="b"))
    found = failed_part(CriteriaNode("false", operator="ONE", children=both), True, nothing)
    assert found == FailedGroup(
        "only one", (FailedCriterion("a", False, "true"), FailedCriterion("b", False, "true"))
    )
