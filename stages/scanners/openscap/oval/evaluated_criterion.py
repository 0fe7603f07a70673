"""A failed criterion with everything that the results hold about it. Pure."""

from collections import ChainMap

from schemas.records import Struct
from stages.scanners.openscap.oval.criteria import FailedCriterion
from stages.scanners.openscap.oval.entity_wording import short_id
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.kinds import Kind, kind_of
from stages.scanners.openscap.oval.line_wording import TEXT_KINDS, setting_name
from stages.scanners.openscap.oval.object_wording import ObjectText, describe
from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    EvaluatedTest,
    Item,
    Object,
    OvalResults,
    ResultValue,
    State,
    Test,
)
from stages.scanners.openscap.oval.state_wording import without_search_terms

_NOT_COLLECTED = CollectedObject("")
_NOT_FOUND = frozenset(("does not exist", "not collected"))


class EvaluatedCriterion(Struct, frozen=True):
    criterion: FailedCriterion
    test: Test
    evaluated: EvaluatedTest
    object: Object
    """What the test looks for; it has no fields where the results do not define it."""
    collected: CollectedObject
    """Without a flag where nothing was collected."""
    states: tuple[State, ...]
    """What the items are compared with; empty where only their number counts."""
    items: tuple[tuple[Item, ResultValue], ...]
    """Things that were found, with the result of each; of many the first."""
    scope: EvaluationScope
    kind: Kind
    looked_for: ObjectText
    """What was looked for; for lines the files, without the pattern."""
    setting: str | None
    """The setting whose value the pattern captures, or that a variable was read from."""

    @property
    def description(self) -> str:
        """What was looked for, in plain text."""
        return self.looked_for.text

    @property
    def is_expected(self) -> bool:
        """Whether the test was expected to be true."""
        return self.criterion.expected

    @property
    def is_text(self) -> bool:
        """Whether the test looks for lines in files."""
        return self.test.kind in TEXT_KINDS

    @property
    def is_setting(self) -> bool:
        """Whether the value of a named setting is compared, and not just a line looked for."""
        return self.is_text and self.setting is not None and bool(self.states)

    @property
    def total(self) -> int:
        """The number of things found, also of those that are not kept."""
        return sum(self.evaluated.counts.values())

    def existence_decides(self) -> bool:
        """Whether the number of items alone made the test come out as it did."""
        if not self.states:
            return True
        may_be_one = self.is_expected and self.test.existence == "only_one_exists"
        return may_be_one and self.total > 1


def evaluated_criterion(
    criterion: FailedCriterion, test: Test, results: OvalResults
) -> EvaluatedCriterion:
    evaluated = results.evaluated_tests.get(test.id, EvaluatedTest(test.id, criterion.result))
    undefined = Object("", "", comment=test.comment or short_id(test.id))
    target = results.objects.get(test.object or "", undefined)
    collected = results.collected_objects.get(target.id, _NOT_COLLECTED)
    # The scanner records the values of variables with the test or with the collected object.
    variables = ChainMap(evaluated.variables, collected.variables, results.constants)
    scope = EvaluationScope(results, variables, target)
    looked_for = describe(target, scope)
    return EvaluatedCriterion(
        criterion=criterion,
        test=test,
        evaluated=evaluated,
        object=target,
        collected=collected,
        states=_states(test, target, results),
        items=_found_items(evaluated, results),
        scope=scope,
        kind=kind_of(test.kind),
        looked_for=looked_for,
        setting=_setting(test, target, scope, looked_for),
    )


def _states(test: Test, target: Object, results: OvalResults) -> tuple[State, ...]:
    if test.existence == "none_exist":
        return ()
    return tuple(without_search_terms(state, target) for state in results.known_states(test.states))


def _found_items(
    evaluated: EvaluatedTest, results: OvalResults
) -> tuple[tuple[Item, ResultValue], ...]:
    found = []
    for name, result in evaluated.items:
        item = results.items.get(name)
        if item is not None and item.status not in _NOT_FOUND:
            found.append((item, result))
    return tuple(found)


def _setting(
    test: Test, target: Object, scope: EvaluationScope, looked_for: ObjectText
) -> str | None:
    if test.kind in TEXT_KINDS:
        return setting_name(target, scope)
    if test.kind != "variable":
        return None
    if looked_for.setting is not None:
        return looked_for.setting.name
    # The comment in place of the name: by it, too, a secret is recognized.
    return looked_for.text
