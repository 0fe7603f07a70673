"""What a criterion expects, in plain text. Pure."""

from stages.scanners.openscap.oval.evaluated_criterion import EvaluatedCriterion
from stages.scanners.openscap.oval.line_wording import has_plain_text, line_text, skips_first_line
from stages.scanners.openscap.oval.state_wording import entity_texts, state_text

_COUNTS = {
    "at_least_one_exists": "at least one {}",
    "all_exist": "at least one {}",
    "any_exist": "if there is any {}",
    "none_exist": "no {}",
    "only_one_exists": "exactly one {}",
}
_CHECKS = {
    "all": "",
    "at least one": "; at least one has to match",
    "none satisfy": "; none may match",
    "none exist": "; none may match",
    "only one": "; exactly one has to match",
}
_SOME_EXIST = frozenset(("at_least_one_exists", "all_exist", "any_exist"))
_OTHER_NUMBER = "any other number"
_NEGATED_EXISTENCE = {"none_exist": "at_least_one_exists", "only_one_exists": _OTHER_NUMBER}
_EXISTENCE = {"none_exist": "no {thing}", "only_one_exists": "exactly one {thing}"}
_ANY_EXISTENCE = "{thing} {present} (at least one {unit})"
_SHORT_EXISTENCE = {"at_least_one_exists": "to be {present}", "all_exist": "to be {present}"}
_LINE_COUNTS = {"none_exist": "no", "only_one_exists": "exactly one", _OTHER_NUMBER: "not one"}
_SHORT_LINE_COUNTS = _LINE_COUNTS | {"none_exist": "none"}
_SEPARATORS = {"OR": " or "}


def expected_text(one: EvaluatedCriterion) -> str:
    """`/etc/login.defs: PASS_MAX_DAYS at most 365 (at least one line)`."""
    if not one.states:
        return _expected_existence(one)
    states = states_text(one)
    if _is_simple_negation(one):
        return f"{_subject(one)} {_negation(one, states)}"
    count = _COUNTS.get(one.test.existence, "{}").format(one.kind.unit)
    check = _CHECKS.get(one.test.check, "")
    text = f"{_subject(one)} {states} ({count}{check})"
    if one.is_expected:
        return text
    return f"not: {text}"


def short_expected_text(one: EvaluatedCriterion) -> str:
    """What is expected, without what a sentence about the criterion has already named."""
    if one.states and one.is_expected:
        return states_text(one)
    if one.states:
        return expected_text(one).removeprefix(f"{one.description}: ")
    existence = _required_existence(one)
    if one.is_text:
        return _SHORT_LINE_COUNTS.get(existence, "at least one")
    template = _SHORT_EXISTENCE.get(existence, _existence_template(existence))
    return _existence_text(one, template)


def states_text(one: EvaluatedCriterion) -> str:
    """The values that the test's states expect."""
    texts = [state_text(state, one.scope, one.kind.subject_field) for state in one.states]
    separator = _SEPARATORS.get(one.test.operator, " and ")
    return separator.join(dict.fromkeys(texts))


def expected_line(one: EvaluatedCriterion) -> str:
    """The line that is looked for, to follow the word "line".

    Where the line is only known by an expression, the comment of the content is added.
    """
    text = line_text(one.object, one.scope)
    if skips_first_line(one.object):
        text += " after the first"
    if one.test.comment and not has_plain_text(one.object, one.scope):
        text = f"{text} ({one.test.comment})".lstrip()
    return text


def _is_simple_negation(one: EvaluatedCriterion) -> bool:
    """Whether the test has to be false, and it makes no difference how many items there are."""
    if one.is_expected or one.test.existence not in _SOME_EXIST:
        return False
    if one.test.check == "all":
        return one.total <= 1
    return one.test.check == "at least one"


def _negation(one: EvaluatedCriterion, states: str) -> str:
    if len(one.states) > 1 or len(entity_texts(one.states[0], one.scope)) > 1:
        states = f"({states})"
    if one.kind.subject_field:
        return f"not {states}"
    return f"not with {states}"


def _subject(one: EvaluatedCriterion) -> str:
    if not one.is_text:
        return f"{one.description}:"
    if one.setting:
        return f"{one.description}: {one.setting}"
    return f"{one.description}: line {expected_line(one)}:"


def _expected_existence(one: EvaluatedCriterion) -> str:
    existence = _required_existence(one)
    if one.is_text:
        count = _LINE_COUNTS.get(existence, "at least one")
        return f"{one.description}: {count} line {expected_line(one)}"
    return _existence_text(one, _existence_template(existence))


def _existence_template(existence: str) -> str:
    return _EXISTENCE.get(existence, _ANY_EXISTENCE)


def _existence_text(one: EvaluatedCriterion, template: str) -> str:
    return template.format(thing=one.description, present=one.kind.present, unit=one.kind.unit)


def _required_existence(one: EvaluatedCriterion) -> str:
    """How many items there have to be; the opposite where the test has to be false."""
    if one.is_expected:
        return one.test.existence
    return _NEGATED_EXISTENCE.get(one.test.existence, "none_exist")
