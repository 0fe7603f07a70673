"""Lines in plain text: which line an object looks for, and in which files. Pure."""

from collections.abc import Sequence

from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.kind_templates import item_text
from stages.scanners.openscap.oval.oval_model import Item, Object
from stages.scanners.openscap.oval.pattern_values import ValueForm
from stages.scanners.openscap.oval.pattern_wording import (
    PatternText,
    matches_any_line,
    pattern_text,
)

TEXT_KINDS = frozenset(("textfilecontent54", "textfilecontent"))
"""Tests of lines in files: their objects have a pattern, and their descriptions leave it out."""
_ANY_LINE = "with any text"
_PATTERN_FIELDS = frozenset(("pattern", "line"))
_MAX_PATTERN = 1000
_MAX_MEMBERS = 5


def members(target: Object, scope: EvaluationScope) -> list[Object]:
    """The first objects of a set; none where sets of sets go in circles."""
    if scope.too_deep:
        return []
    found = []
    for name in target.members[:_MAX_MEMBERS]:
        member = scope.results.objects.get(name)
        if member is not None:
            found.append(member)
    return found


def setting_name(target: Object, scope: EvaluationScope) -> str | None:
    """The name of the setting whose value an object's patterns capture, if they agree on it."""
    names = {found.name for found in _pattern_texts(target, scope)}
    if len(names) == 1:
        return names.pop()
    return None


def value_form(target: Object, scope: EvaluationScope) -> str:
    """The text to follow "is not set": `to a number`, `in the form /…/`; empty for any value."""
    forms = {found.value_form for found in _pattern_texts(target, scope)}
    if forms == {ValueForm.ANY}:
        return ""
    if forms <= {ValueForm.ANY, ValueForm.NUMBER}:
        return "to a number"
    expressions = []
    for pattern in _patterns(target, scope):
        expressions.append(shown_expression(pattern, ignores_case=target.ignores_case))
    return f"in the form {' or '.join(expressions)}"


def line_text(target: Object, scope: EvaluationScope) -> str | None:
    """The line that is looked for, to follow the word "line"; None without a pattern."""
    phrases: dict[str, None] = {}
    for pattern in _patterns(target, scope):
        phrases[_pattern_phrase(pattern, target)] = None
    return " or ".join(phrases) or None


def has_plain_text(target: Object, scope: EvaluationScope) -> bool:
    """Whether the line is described by more than an expression, or by "any text"."""
    patterns = _patterns(target, scope)
    if all(matches_any_line(pattern) for pattern in patterns):
        return False
    return matches_any_line(patterns[0]) or pattern_text(patterns[0]) is not None


def brief_line_text(target: Object, scope: EvaluationScope) -> str | None:
    """The line without its expression: `“-w /etc/group -p …”`; None where it has no text."""
    texts: dict[str, None] = {}
    for pattern in _patterns(target, scope):
        found = pattern_text(pattern)
        if found is None:
            return None
        texts[f"“{found.text}”"] = None
    return " or ".join(texts) or None


def wanted_text(target: Object, scope: EvaluationScope) -> str | None:
    """The text of the one pattern of an object, as far as it is text."""
    patterns = _patterns(target, scope)
    if len(patterns) != 1:
        return None
    found = pattern_text(patterns[0])
    if found is None:
        return None
    return found.text


def skips_first_line(target: Object) -> bool:
    """Whether only a second or later match counts."""
    for entity in target.entities:
        if entity.name == "instance" and entity.operation == "greater than":
            return entity.value == "1"
    return False


def is_in_place(item: Item, target: Object, scope: EvaluationScope) -> bool:
    """Whether a line was found where the object looks: in its file, or in its directory."""
    if target.members:
        deeper = scope.deeper()
        return any(is_in_place(item, member, deeper) for member in members(target, scope))
    places = {}
    for entity in target.entities:
        if entity.operation == "equals":
            places[entity.name] = scope.values(entity) or ()
    if "filepath" in places:
        return item_text(item, "file") in places["filepath"]
    has_name = item.first("filename") in places.get("filename", (item.first("filename"),))
    return has_name and item.first("path") in places.get("path", ())


def shown_expression(pattern: str, *, ignores_case: bool = False) -> str:
    """`/^x$/`, with Perl's flag `i` for a pattern that ignores case."""
    shown = pattern.replace("\n", "\\n")
    if len(shown) > _MAX_PATTERN:
        shown = shown[: _MAX_PATTERN - 1] + "…"
    flag = ""
    if ignores_case:
        flag = "i"
    return f"/{shown}/{flag}"


def _pattern_texts(target: Object, scope: EvaluationScope) -> list[PatternText]:
    """The plain texts of those patterns that have one."""
    texts = []
    for pattern in _patterns(target, scope):
        found = pattern_text(pattern)
        if found is not None:
            texts.append(found)
    return texts


def _patterns(target: Object, scope: EvaluationScope) -> Sequence[str]:
    """The patterns of an object, or of the members of a set."""
    for entity in target.entities:
        if entity.name in _PATTERN_FIELDS:
            return scope.values(entity) or ()
    patterns: dict[str, None] = {}
    for member in members(target, scope):
        patterns |= dict.fromkeys(_patterns(member, scope.deeper()))
    return list(patterns)


def _pattern_phrase(pattern: str, target: Object) -> str:
    """`starting with “umask 027”`; beside a text that is not equivalent the expression is shown."""
    if matches_any_line(pattern):
        return _ANY_LINE
    expression = shown_expression(pattern, ignores_case=target.ignores_case)
    found = pattern_text(pattern)
    if found is None:
        return f"matching {expression}"
    is_bound_to_file = target.is_one_text and (found.starts_line or found.ends_line)
    if not found.is_equivalent or is_bound_to_file:
        return f"like “{found.text}” ({expression})"
    phrase = _placed(found)
    if target.ignores_case:
        phrase += " (case-insensitive)"
    return phrase


def _placed(found: PatternText) -> str:
    """The text with its place in the line."""
    text = f"“{found.text}”"
    if found.starts_line and found.ends_line:
        return text
    if found.starts_line:
        return f"starting with {text}"
    if found.ends_line:
        return f"ending with {text}"
    return f"with {text}"
