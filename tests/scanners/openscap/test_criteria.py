"""Only what made a definition come out otherwise than wanted is told: laws, against a slow evaluator."""

from collections.abc import Iterator
from itertools import count

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


def demands(found: FailedPart) -> list[FailedCriterion]:
    if isinstance(found, FailedCriterion):
        return [found]
    return (
        [demand for part in found.parts for demand in demands(part)]
        if isinstance(found, FailedGroup)
        else []
    )


def amends(found: FailedPart) -> dict[str, ResultValue]:
    """The test results that would have made all the difference, by what the cause says."""
    if isinstance(found, FailedCriterion):
        return {found.test: "true" if found.expected else "false"}
    assert isinstance(found, FailedGroup)
    chosen = {"all": found.parts, "only one": found.parts[1:]}.get(found.mode, found.parts[:1])
    return {test: result for part in chosen for test, result in amends(part).items()}


def nothing(_: str) -> CriteriaNode | None:
    return None


@given(trees(["true", "false"]), st.booleans())
def test_amending_what_is_told_makes_the_definition_come_out_as_wanted(
    tree: Branch, wanted: bool
) -> None:
    root = build(tree, count(), {})
    if holds(root.result, wanted):
        return
    found = failed_part(root, wanted, nothing)
    amended = build(tree, count(), amends(found))
    assert holds(amended.result, wanted)


@given(
    trees(["true", "false", "error", "unknown", "not evaluated", "not applicable"]), st.booleans()
)
def test_no_test_that_came_out_as_wanted_is_told(tree: Branch, wanted: bool) -> None:
    root = build(tree, count(), {})
    if holds(root.result, wanted):
        return
    for demand in demands(failed_part(root, wanted, nothing)):
        assert not holds(demand.result, demand.expected)


@given(trees(["true", "false", "error"]), st.booleans())
def test_something_is_always_told(tree: Branch, wanted: bool) -> None:
    root = build(tree, count(), {})
    if not holds(root.result, wanted):
        assert demands(failed_part(root, wanted, nothing))


@given(trees(["true", "false"]), st.booleans())
def test_a_definition_is_told_the_same_whether_it_is_extended_or_written_out(
    tree: Branch, wanted: bool
) -> None:
    root = build(tree, count(), {})
    if holds(root.result, wanted):
        return
    extended = CriteriaNode(root.result, definition="d")
    assert failed_part(extended, wanted, {"d": root}.get) == failed_part(root, wanted, nothing)


def test_a_definition_that_extends_itself_ends() -> None:
    loop = CriteriaNode("false", operator="AND", children=(CriteriaNode("false", definition="d"),))
    assert failed_part(loop, True, {"d": loop}.get) == Unexplained("d", True, "false")


def test_of_an_and_only_the_failing_parts_are_told() -> None:
    good, bad = CriteriaNode("true", test="good"), CriteriaNode("false", test="bad")
    assert failed_part(
        CriteriaNode("false", children=(good, bad)), True, nothing
    ) == FailedCriterion("bad", True, "false")


def test_a_negated_test_is_told_as_one_that_should_have_failed() -> None:
    negated = CriteriaNode("false", negate=True, test="t")
    assert failed_part(
        CriteriaNode("false", children=(negated,)), True, nothing
    ) == FailedCriterion("t", False, "true")


def test_several_where_one_may_hold_are_told_as_such() -> None:
    both = (CriteriaNode("true", test="a"), CriteriaNode("true", test="b"))
    found = failed_part(CriteriaNode("false", operator="ONE", children=both), True, nothing)
    assert found == FailedGroup(
        "only one", (FailedCriterion("a", False, "true"), FailedCriterion("b", False, "true"))
    )
