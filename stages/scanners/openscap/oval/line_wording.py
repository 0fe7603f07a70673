"""Lines in plain text: which line an object looks for, and in which files. Pure."""

from collections.abc import Sequence

from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.kind_templates import item_text
from stages.scanners.openscap.oval.oval_model import Entity, Item, Object
from stages.scanners.openscap.oval.pattern_values import ValueForm
from stages.scanners.openscap.oval.pattern_wording import (
    PatternText,
    matches_any_line,
    pattern_text,
)

TEXT_KINDS = frozenset(("textfilecontent54", "textfilecontent"))
"""Tests of lines in files: their objects have a pattern, and their descriptions leave it out."""
_ANY_LINE = "with any text"
_PLACES = {
    (True, True): "“{}”",
    (True, False): "starting with “{}”",
    (False, True): "ending with “{}”",
    (False, False): "with “{}”",
}
"""By whether the text starts and ends the line."""
_AFTER_FIRST = Entity("instance", "greater than", "1", "int")
_PATTERN_FIELDS = frozenset(("pattern", "line"))
_MAX_MEMBERS = 5


def members(target: Object, scope: EvaluationScope) -> list[Object]:
    """The first objects of a set; none where sets of sets go in circles."""
    if scope.too_deep:
        return []
    return [scope.results.object(name) for name in target.members[:_MAX_MEMBERS]]


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
    expressions = [_shown_expression(pattern, target) for pattern in _patterns(target, scope)]
    return f"in the form {' or '.join(expressions)}"


def line_text(target: Object, scope: EvaluationScope) -> str:
    """The line that is looked for, to follow the word "line"; empty without a pattern."""
    phrases = [_pattern_phrase(pattern, target) for pattern in _patterns(target, scope)]
    return " or ".join(dict.fromkeys(phrases))


def has_plain_text(target: Object, scope: EvaluationScope) -> bool:
    """Whether the line is described by more than an expression, or by "any text"."""
    return any(found.text for found in _pattern_texts(target, scope))


def brief_line_text(target: Object, scope: EvaluationScope) -> str:
    """The line without its expression: `“-w /etc/group -p …”`; empty where it has no text."""
    texts = [found.text for found in _pattern_texts(target, scope)]
    if "" in texts:
        return ""
    return " or ".join(f"“{text}”" for text in dict.fromkeys(texts))


def wanted_text(target: Object, scope: EvaluationScope) -> str:
    """The text of the one pattern of an object, as far as it is text."""
    texts = [found.text for found in _pattern_texts(target, scope)]
    if len(texts) != 1:
        return ""
    return texts[0]


def skips_first_line(target: Object) -> bool:
    """Whether only a second or later match counts."""
    return _AFTER_FIRST in target.entities


def is_in_place(item: Item, target: Object, scope: EvaluationScope) -> bool:
    """Whether a line was found where the object looks: in its file, or in its directory."""
    if target.members:
        deeper = scope.deeper()
        return any(is_in_place(item, member, deeper) for member in members(target, scope))
    places = {}
    for entity in target.entities:
        if entity.operation == "equals":
            places[entity.name] = scope.values(entity)
    if "filepath" in places:
        return item_text(item, "file") in places["filepath"]
    # An object that finds its files by a pattern accepts every name.
    has_name = item.first("filename") in places.get("filename", (item.first("filename"),))
    return has_name and item.first("path") in places.get("path", ())


def _shown_expression(pattern: str, target: Object) -> str:
    """`/^x$/`, with Perl's flag `i` for a pattern that ignores case."""
    shown = pattern.replace("\n", "\\n")
    flag = ""
    if target.ignores_case:
        flag = "i"
    return f"/{shown}/{flag}"


def _pattern_texts(target: Object, scope: EvaluationScope) -> list[PatternText]:
    return [pattern_text(pattern) for pattern in _patterns(target, scope)]


def _patterns(target: Object, scope: EvaluationScope) -> Sequence[str]:
    """The patterns of an object, or of the members of a set."""
    for entity in target.entities:
        if entity.name in _PATTERN_FIELDS:
            return scope.values(entity)
    patterns: dict[str, None] = {}
    for member in members(target, scope):
        patterns |= dict.fromkeys(_patterns(member, scope.deeper()))
    return list(patterns)


def _pattern_phrase(pattern: str, target: Object) -> str:
    """`starting with “umask 027”`; beside a text that is not equivalent the expression is shown."""
    if matches_any_line(pattern):
        return _ANY_LINE
    expression = _shown_expression(pattern, target)
    found = pattern_text(pattern)
    if not found.text:
        return f"matching {expression}"
    # In one text the pattern is anchored at the ends of the file, not of a line.
    if target.is_one_text or not found.is_equivalent:
        return f"like “{found.text}” ({expression})"
    phrase = _placed(found)
    if target.ignores_case:
        phrase += " (case-insensitive)"
    return phrase


def _placed(found: PatternText) -> str:
    """The text with its place in the line."""
    return _PLACES[found.starts_line, found.ends_line].format(found.text)
