"""Explains one failed criterion: what its test expected, what was found, and a sentence of both.

Four cases, each with its own wording:

- the test could not be evaluated: `… could not be evaluated: error (permission denied)`;
- nothing was found: `/etc/login.defs: PASS_MAX_DAYS is not set, expected at most 365`;
- something was found that is not as expected: `…: PASS_MAX_DAYS is 99999, expected at most 365`;
- something was found that must not be there, or too often: `found …; expected no package telnetd`.

Pure.
"""

from stages.scanners.openscap.oval import item_wording
from stages.scanners.openscap.oval.criteria import RESULT_OF, FailedCriterion
from stages.scanners.openscap.oval.entity_wording import short_id
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
from stages.scanners.openscap.oval.line_wording import brief_line_text, value_form, wanted_text
from stages.scanners.openscap.oval.mismatch_wording import explain_exception, explain_mismatch
from stages.scanners.openscap.oval.nearest import line_that_sets, lines_in_place, nearest_line
from stages.scanners.openscap.oval.oval_model import OvalResults

_NOT_EVALUATED = frozenset(("error", "unknown", "not applicable"))


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
    return explain_mismatch(one)


def _without_definition(criterion: FailedCriterion) -> Explanation:
    """The test is not in the results."""
    name = short_id(criterion.test)
    expected = RESULT_OF[criterion.expected]
    finding = f"test {name} is {criterion.result}"
    return Explanation(
        expected=f"test {name} is {expected}",
        facts=(f"it is {criterion.result}",),
        finding=finding,
        brief=finding,
    )


def _not_evaluated(one: EvaluatedCriterion) -> Explanation:
    result = one.criterion.result
    actual = "not evaluated"
    if result in _NOT_EVALUATED:
        actual = f"could not be evaluated: {result}"
    items = [item for item, _ in one.items]
    reason = item_wording.reason_of_error(one.evaluated, one.collected, items)
    if reason is not None:
        actual += f" ({reason})"
    finding = f"{one.description}: {actual}, expected {short_expected_text(one)}"
    return Explanation(expected_text(one), (actual,), finding, finding)


def _nothing_found(one: EvaluatedCriterion) -> Explanation:
    if one.is_setting:
        return _no_setting(one)
    if one.is_text:
        return _no_line(one)
    finding = f"{_absence(one)}, expected {short_expected_text(one)}"
    return Explanation(expected_text(one), (f"not found: {one.description}",), finding, finding)


def _absence(one: EvaluatedCriterion) -> str:
    """`package aide is not installed`; of a variable it is only known that it has no value."""
    if one.test.kind == "variable":
        setting = one.looked_for.setting
        if setting is not None:
            return f"{setting.place}: no value of {setting.name} was found"
        return f"no value was found for {one.description}"
    verb = "is"
    if one.looked_for.is_plural:
        verb = "are"
    return f"{one.description} {verb} not {one.kind.present}"


def _no_setting(one: EvaluatedCriterion) -> Explanation:
    """`PASS_MAX_DAYS is not set`, as far as the pattern proves it.

    A pattern that accepts numbers only finds nothing in a file with `PASS_MAX_DAYS never`: there it
    is not set to a number. A line of another test shows how it is set.
    """
    expected = short_expected_text(one)
    form = value_form(one.object, one.scope)
    if not form:
        finding = f"{one.description}: {one.setting} is not set, expected {expected}"
        actual = f"not found: {one.setting} in {one.description}"
        return Explanation(expected_text(one), (actual,), finding, finding)
    finding = f"{one.description}: {one.setting} is not set {form}, expected {expected}"
    brief = f"{one.description}: {one.setting} is not set as required"
    actual = f"not found: {one.setting} set {form} in {one.description}"
    lines = lines_in_place(one.object, one.scope)
    found = line_that_sets(one.setting or "", lines)
    if found is not None:
        actual = f"{lines[found]} has “{found}”"
        finding = f"{actual}; {finding}"
        brief = f"{actual}; {brief}"
    return Explanation(expected_text(one), (actual,), finding, brief)


def _no_line(one: EvaluatedCriterion) -> Explanation:
    """`/etc/profile: no line starting with “umask 027”`; of several lines the nearest one."""
    line = expected_line(one)
    actual = f"not found: line {line} in {one.description}"
    finding = f"{one.description}: no line {line}, expected {short_expected_text(one)}"
    brief = finding
    text = brief_line_text(one.object, one.scope)
    shows_expression = "/" in line
    if text and shows_expression:
        brief = f"{one.description}: the line {text} is missing"
    lines = lines_in_place(one.object, one.scope)
    found = nearest_line(wanted_text(one.object, one.scope), lines)
    if found is not None:
        actual = f"{lines[found]} has “{found}”"
        brief = f"{actual}; {brief}"
        if lines[found] == one.description:
            finding = f"{actual} and no line {line}, expected {short_expected_text(one)}"
        else:
            finding = f"{actual}; {one.description}: no line {line}"
    return Explanation(expected_text(one), (actual,), finding, brief)


def _wrong_number(one: EvaluatedCriterion) -> Explanation:
    """There are items where none may be, or too many; their content makes no difference."""
    exception = explain_exception(one)
    if exception is not None:
        return exception
    texts = []
    for item, _ in one.items:
        texts.append(item_wording.with_detail(item, one.description, one.setting))
    actual = item_wording.listed_items(texts, one.total)
    finding = f"found {actual}; expected {short_expected_text(one)}"
    return Explanation(expected_text(one), (actual,), finding, finding)
