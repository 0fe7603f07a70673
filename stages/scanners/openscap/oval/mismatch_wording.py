"""Explains things that were found and are not as the states require: which values differ. Pure."""

from collections.abc import Sequence

from schemas.codec import replace
from stages.scanners.openscap.oval.entity_wording import is_bit_mask
from stages.scanners.openscap.oval.evaluated_criterion import EvaluatedCriterion
from stages.scanners.openscap.oval.expected_wording import expected_text
from stages.scanners.openscap.oval.explanations import Explanation
from stages.scanners.openscap.oval.field_labels import label
from stages.scanners.openscap.oval.file_modes import octal_mode, with_octal
from stages.scanners.openscap.oval.item_fields import field_text, setting_in_line
from stages.scanners.openscap.oval.item_wording import (
    listed_items,
    subject,
    unmet_entities,
    with_detail,
    with_expected_fields,
)
from stages.scanners.openscap.oval.nearest import nearest_first
from stages.scanners.openscap.oval.oval_model import Entity, Item, ResultValue, State
from stages.scanners.openscap.oval.readable_values import readable_duration
from stages.scanners.openscap.oval.state_wording import (
    entity_value,
    mode_text,
    without_mode,
)

_PLURAL_KINDS = frozenset(("systemdunitdependency",))
_PLURAL_LABELS = frozenset(("mount options", "flags"))
_SEARCHED_BY = frozenset(("type", "path", "filename", "filepath"))
_NOT_TRUE: frozenset[ResultValue] = frozenset(("false", "error", "unknown", "not evaluated"))
_ONLY_TRUE: frozenset[ResultValue] = frozenset(("true",))
_FAILING_RESULTS = {
    (True, "all"): _NOT_TRUE,
    (True, "none satisfy"): _ONLY_TRUE,
    (True, "none exist"): _ONLY_TRUE,
    (True, "only one"): _ONLY_TRUE,
    # The test is true though it should be false: so are the items that made it true.
    (False, "at least one"): _ONLY_TRUE,
}
"""The results of single items that make a test fail, by its expected result and its check. Any
other test fails by the number of its items."""
_ABOUT_SINGLE_ITEMS = frozenset(((True, "all"), (True, "at least one")))
"""The tests whose failure is a single item's, by their expected result and their check."""
_SEPARATORS = {"OR": (" or ", " or ")}
"""Between the values of a field, and between fields, by the operator between states."""
_VERBS = {True: "are", False: "is"}
"""By whether a name is a plural."""


def explain_mismatch(one: EvaluatedCriterion) -> Explanation:
    """Which of the things found are not as the states require."""
    items, total = _failing_items(one)
    if one.test.check != "all":
        items = nearest_first(items, one.states, one.scope)
    texts = []
    for item in items:
        texts.append(with_expected_fields(item, one.states, one.setting, one.description))
    expected = expected_text(one)
    actual = listed_items(texts, total)
    if (one.is_expected, one.test.check) in _ABOUT_SINGLE_ITEMS:
        finding = _mismatch(one, items[0], total)
    else:
        finding = f"found {actual}; expected {expected}"
    return Explanation(expected, (actual,), finding, finding)


def explain_exception(one: EvaluatedCriterion) -> Explanation | None:
    """The finding without a double negation; None where the content has none.

    The content: no file may exist except those with mode 0700 or stricter, and symbolic links.
    The finding: the mode of a file is 0755, expected 0700 or stricter.
    """
    if one.test.existence != "none_exist":
        return None
    excluded = one.scope.results.known_states(one.object.excluded)
    exceptions = tuple(state for state in excluded if not _narrows_search(state))
    if not exceptions or not all(_is_one_requirement(state) for state in exceptions):
        return None
    alternatives = replace(one.test, operator="OR", check="all")
    requirement = replace(one, states=exceptions, test=alternatives)
    texts = [with_detail(item, one.description, one.setting) for item, _ in one.items]
    finding = _mismatch(requirement, one.items[0][0], one.total)
    return Explanation(expected_text(one), (listed_items(texts, one.total),), finding, finding)


def _narrows_search(state: State) -> bool:
    """Whether it only leaves things out of the search, such as links: that is not a requirement."""
    return {entity.name for entity in state.entities} <= _SEARCHED_BY


def _is_one_requirement(state: State) -> bool:
    """Whether it is about one field, or about the bits of a mode."""
    return len(state.entities) == 1 or not without_mode(state.entities)


def _failing_items(one: EvaluatedCriterion) -> tuple[Sequence[Item], int]:
    """The items that made the test fail, and their number; all items where none stands out."""
    failing_results = _FAILING_RESULTS.get((one.is_expected, one.test.check), frozenset())
    failing = [item for item, result in one.items if result in failing_results]
    if not failing:
        return [item for item, _ in one.items], one.total
    counts = one.evaluated.counts
    return failing, sum(counts.get(result, 0) for result in failing_results)


def _mismatch(one: EvaluatedCriterion, item: Item, total: int) -> str:
    """`/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365 (and 2 more)`."""
    expected_by_actual: dict[str, list[str]] = {}
    for state, entities in _unmet(one, item):
        for actual, expected in _unmet_texts(one, item, state, entities):
            expected_by_actual.setdefault(actual, []).append(expected)
    between_values, between_fields = _SEPARATORS.get(one.test.operator, (" and ", "; "))
    parts = []
    for actual, values in expected_by_actual.items():
        parts.append(f"{actual}, expected {between_values.join(dict.fromkeys(values))}")
    text = between_fields.join(parts)
    if total > 1:
        text += f" (and {total - 1} more)"
    if one.kind.subject_field is not None and not one.is_text:
        return f"{subject(item, one.description)} {text}"
    return f"{subject(item, one.description)}: {text}"


def _unmet(one: EvaluatedCriterion, item: Item) -> Sequence[tuple[State, Sequence[Entity]]]:
    """The fields of each state that the item does not satisfy; all where that is unknown."""
    unmet = [(state, unmet_entities(item, state, one.scope)) for state in one.states]
    if any(entities for _, entities in unmet):
        return unmet
    return [(state, state.entities) for state in one.states]


def _unmet_texts(
    one: EvaluatedCriterion, item: Item, state: State, unmet: Sequence[Entity]
) -> list[tuple[str, str]]:
    """The actual and the expected value of each field; permission fields together as one mode."""
    # A value that the scanner itself hides is left out, unless there is no other.
    shown = [entity for entity in unmet if not entity.masked] or unmet
    texts = []
    for entity in without_mode(shown):
        expected = entity_value(entity, one.scope, state)
        texts.append((_actual_text(one, item, state, entity), expected.without_field))
    if len(texts) < len(shown):
        mode = octal_mode(item) or "unknown"
        texts.append((f"mode is {mode}", mode_text(state, one.scope)))
    return texts


def _actual_text(one: EvaluatedCriterion, item: Item, state: State, entity: Entity) -> str:
    """`PASS_MAX_DAYS is 99999`, `owner is 5`; a value without a name is `found …`."""
    setting = one.setting or setting_in_line(item)
    value = _actual_value(one, item, entity, setting)
    if entity.name != one.kind.subject_field:
        name = label(state.kind, entity.name)
        return f"{name} {_VERBS[name in _PLURAL_LABELS]} {value}"
    if not one.is_text:
        return f"{_VERBS[state.kind in _PLURAL_KINDS]} {value}"
    if not setting:
        return f"found {value}"
    return f"{setting} is {value}"


def _actual_value(one: EvaluatedCriterion, item: Item, entity: Entity, setting: str | None) -> str:
    value = field_text(item, entity.name, setting)
    if value is None:
        return "not present"
    if is_bit_mask(entity):
        return with_octal(value)
    if one.scope.is_duration():
        return readable_duration(value)
    return value
