"""Explains one failed criterion: what its test expected, what was found, and a sentence of both.

Four cases, each with its own wording:

- the test could not be evaluated: `… could not be evaluated: error (permission denied)`;
- nothing was found: `/etc/login.defs: PASS_MAX_DAYS is not set, expected at most 365`;
- something was found that is not as expected: `…: PASS_MAX_DAYS is 99999, expected at most 365`;
- something was found that must not be there, or too often: `found …; expected no package telnetd`.

Pure.
"""

from collections.abc import Sequence

from stages.scanners.openscap.oval import item_wording
from stages.scanners.openscap.oval.criteria import FailedCriterion
from stages.scanners.openscap.oval.entity_wording import is_bit_mask, short_id
from stages.scanners.openscap.oval.evaluated_criterion import (
    EvaluatedCriterion,
    evaluated_criterion,
)
from stages.scanners.openscap.oval.expected_wording import (
    expected_line,
    expected_text,
    short_expected_text,
)
from stages.scanners.openscap.oval.explanations import Explanation
from stages.scanners.openscap.oval.file_modes import (
    MODE_FIELDS,
    expected_mode,
    octal_mode,
    with_octal,
)
from stages.scanners.openscap.oval.kinds import label
from stages.scanners.openscap.oval.nearest import nearest_first, nearest_line
from stages.scanners.openscap.oval.object_wording import wanted_text
from stages.scanners.openscap.oval.oval_model import Entity, Item, OvalResults, ResultValue, State
from stages.scanners.openscap.oval.state_wording import entity_text, state_text

_PLURAL_KINDS = frozenset(("systemdunitdependency",))
_PLURAL_LABELS = frozenset(("mount options", "flags"))
_PLURAL_DESCRIPTIONS = ("files ", "directories ")
_NOT_EVALUATED = frozenset(("error", "unknown", "not applicable"))
_NOT_TRUE: frozenset[ResultValue] = frozenset(("false", "error", "unknown", "not evaluated"))
_ONLY_TRUE: frozenset[ResultValue] = frozenset(("true",))


def explain_criterion(criterion: FailedCriterion, results: OvalResults) -> Explanation:
    """Why the criterion's test is not as it should be."""
    test = results.tests.get(criterion.test)
    if test is None:
        return _without_definition(criterion)
    one = evaluated_criterion(criterion, test, results)
    if criterion.result not in ("true", "false"):
        return _not_evaluated(one)
    if not one.items:
        return _nothing_found(one)
    if one.existence_decides():
        return _wrong_number(one)
    return _mismatch(one)


def _without_definition(criterion: FailedCriterion) -> Explanation:
    """The test is not in the results."""
    name = short_id(criterion.test)
    expected = "true" if criterion.expected else "false"
    return Explanation(
        expected=f"test {name} is {expected}",
        actual=f"it is {criterion.result}",
        finding=f"test {name} is {criterion.result}",
    )


def _not_evaluated(one: EvaluatedCriterion) -> Explanation:
    result = one.criterion.result
    actual = "not evaluated"
    if result in _NOT_EVALUATED:
        actual = f"could not be evaluated: {result}"
    items = [one.scope.results.items.get(name) for name, _ in one.evaluated.items]
    if reason := item_wording.reason_of_error(one.evaluated, one.collected, items):
        actual += f" ({reason})"
    finding = f"{one.description}: {actual}, expected {short_expected_text(one)}"
    return Explanation(expected_text(one), actual, finding)


def _nothing_found(one: EvaluatedCriterion) -> Explanation:
    missing = one.description
    if one.is_setting:
        missing = f"{one.setting} in {one.description}"
    elif one.is_text:
        missing = f"line {expected_line(one)} in {one.description}"
    actual = f"not found: {missing}"
    nearest = _nearest_line(one)
    if nearest:
        actual = f"{one.description} has “{nearest}”"
    return Explanation(
        expected=expected_text(one),
        actual=actual,
        finding=f"{_absence(one, nearest)}, expected {short_expected_text(one)}",
    )


def _nearest_line(one: EvaluatedCriterion) -> str | None:
    """Of the lines that other tests found in the same file, that which is like the missing one."""
    if not one.is_text or one.is_setting or one.object is None:
        return None
    wanted = wanted_text(one.object, one.scope)
    if wanted is None:
        return None
    lines = item_wording.lines_of_file(one.scope.results.items.values(), one.description)
    return nearest_line(wanted, lines)


def _absence(one: EvaluatedCriterion, nearest: str | None) -> str:
    if one.is_setting:
        return f"{one.description}: {one.setting} is not set"
    if nearest:
        return f"{one.description} has “{nearest}” and no line {expected_line(one)}"
    if one.is_text:
        return f"{one.description}: no line {expected_line(one)}"
    verb = "is"
    if one.description.startswith(_PLURAL_DESCRIPTIONS):
        verb = "are"
    return f"{one.description} {verb} not {one.kind.present}"


def _wrong_number(one: EvaluatedCriterion) -> Explanation:
    """There are items where none may be, or too many; what they hold makes no difference."""
    texts = [item_wording.with_detail(item, one.description) for item, _ in one.items]
    actual = item_wording.listed_items(texts, one.total)
    finding = f"found {actual}; expected {short_expected_text(one)}"
    return Explanation(expected_text(one), actual, finding)


def _mismatch(one: EvaluatedCriterion) -> Explanation:
    """There are items that are not as the states require."""
    items, total = _failing_items(one)
    if one.is_expected and one.test.check != "all":
        items = nearest_first(items, one.states, one.scope)
    texts = [
        item_wording.with_expected_fields(item, one.states, one.setting, one.description)
        for item in items
    ]
    expected = expected_text(one)
    actual = item_wording.listed_items(texts, total)
    if not one.is_expected or one.test.check not in ("all", "at least one"):
        return Explanation(expected, actual, f"found {actual}; expected {expected}")
    finding = _first_mismatch(one, items[0])
    if total > 1:
        finding += f" (and {total - 1} more)"
    return Explanation(expected, actual, finding)


def _failing_items(one: EvaluatedCriterion) -> tuple[Sequence[Item], int]:
    """The items that made the test fail, and their number; all items where none stands out."""
    failing_results = _failing_results(one)
    every_item = [item for item, _ in one.items]
    if failing_results is None:
        return every_item, one.total
    failing = [item for item, result in one.items if result in failing_results]
    counts = one.evaluated.counts
    total = sum(counts.get(result, 0) for result in failing_results)
    return failing or every_item, total or one.total


def _failing_results(one: EvaluatedCriterion) -> frozenset[ResultValue] | None:
    """The results of single items that make the whole test fail; None where each may."""
    check = one.test.check
    if not one.is_expected:
        if check == "at least one":
            return _ONLY_TRUE
        return None
    if check == "all":
        return _NOT_TRUE
    if check in ("none satisfy", "none exist"):
        return _ONLY_TRUE
    if check == "only one" and "true" in one.evaluated.counts:
        return _ONLY_TRUE
    return None


def _first_mismatch(one: EvaluatedCriterion, item: Item) -> str:
    """`/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365`."""
    parts: list[str] = []
    for state, entities in _unmet(one, item):
        parts += _unmet_texts(one, item, state, entities)
    if not parts:
        states = " or ".join(state_text(state, one.scope) for state in one.states)
        return f"{item_wording.with_detail(item, one.description)}, expected {states}"
    separator = ": "
    if one.kind.subject_field is not None and not one.is_text:
        separator = " "
    joiner = "; "
    if one.test.operator == "OR":
        joiner = " or "
    subject = item_wording.subject(item, one.description)
    return subject + separator + joiner.join(dict.fromkeys(parts))


def _unmet(one: EvaluatedCriterion, item: Item) -> list[tuple[State, list[Entity]]]:
    """The fields of each state that the item does not satisfy; all of them where that is open."""
    unmet = [(state, item_wording.unmet_entities(item, state, one.scope)) for state in one.states]
    if one.test.operator != "OR" and any(entities for _, entities in unmet):
        return unmet
    return [(state, list(state.entities)) for state in one.states]


def _unmet_texts(
    one: EvaluatedCriterion, item: Item, state: State, unmet: list[Entity]
) -> list[str]:
    # A value that the scanner itself hides says nothing, unless it is all there is.
    shown = [entity for entity in unmet if not entity.masked] or unmet
    texts = []
    for entity in shown:
        if entity.name not in MODE_FIELDS:
            expected = entity_text(entity, one.scope, state.kind)
            texts.append(f"{_actual_text(one, item, state, entity)}, expected {expected}")
    mode_is_unmet = any(entity.name in MODE_FIELDS for entity in shown)
    if mode_is_unmet and (expected_bits := expected_mode(state.entities)):
        texts.append(f"mode is {octal_mode(item) or 'unknown'}, expected {expected_bits}")
    return texts


def _actual_text(one: EvaluatedCriterion, item: Item, state: State, entity: Entity) -> str:
    """`PASS_MAX_DAYS is 99999`, `owner is 5`; a value without a name is `found …`."""
    setting = one.setting
    if setting is None and one.is_text:
        setting = item_wording.setting_in_line(item)
    value = item_wording.field_text(item, entity.name, setting)
    if value is None:
        value = "not present"
    elif is_bit_mask(entity):
        value = with_octal(value)
    if entity.name != one.kind.subject_field:
        name = label(state.kind, entity.name)
        return f"{name} {_verb(name in _PLURAL_LABELS)} {value}"
    if not one.is_text:
        return f"{_verb(state.kind in _PLURAL_KINDS)} {value}"
    if not setting:
        return f"found {value}"
    return f"{setting} is {value}"


def _verb(plural: bool) -> str:
    if plural:
        return "are"
    return "is"
