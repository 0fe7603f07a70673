"""Objects in plain text: what a test looks for, with the values of this scan's variables. Pure.

Objects and variables refer to each other: an object may look for the value of a variable, which
may be read from files that other objects look for. `EvaluationScope.depth` bounds that.
"""

from collections.abc import Sequence

from stages.scanners.openscap.oval.entity_wording import listed_values, object_value, short_id
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.file_wording import file_place
from stages.scanners.openscap.oval.kind_templates import by_fields, fill
from stages.scanners.openscap.oval.kinds import KINDS
from stages.scanners.openscap.oval.oval_model import Entity, Object, OvalResults, VariableCapture
from stages.scanners.openscap.oval.pattern_wording import pattern_text
from stages.scanners.openscap.oval.state_wording import state_text

TEXT_KINDS = frozenset(("textfilecontent54", "textfilecontent"))
"""Tests of lines in files: their objects have a pattern, and their descriptions leave it out."""
_PATTERN_FIELDS = frozenset(("pattern", "line"))
_MAX_PATTERN = 1000
_MAX_VARIABLES = 50
_MAX_MEMBERS = 5


def description(target: Object | None, scope: EvaluationScope) -> str | None:
    """What an object looks for; None where the object is not in the results."""
    if target is None or scope.too_deep:
        return None
    scope = scope.deeper()
    text = _unfiltered_description(target, scope)
    if not text:
        return None
    return text + _filter_text(target, scope)


def _unfiltered_description(target: Object, scope: EvaluationScope) -> str | None:
    if not target.members:
        return _single_description(target, scope)
    members = [description(member, scope) for member in _members(target, scope)]
    return " or ".join(dict.fromkeys(filter(None, members))) or target.comment


def _members(target: Object, scope: EvaluationScope) -> list[Object]:
    objects = [scope.results.objects.get(name) for name in target.members[:_MAX_MEMBERS]]
    return [member for member in objects if member is not None]


def _single_description(target: Object, scope: EvaluationScope) -> str:
    entities = {entity.name: entity for entity in target.entities if not entity.nil}

    def field_text(name: str) -> str | None:
        if name in entities:
            return _entity_text(entities[name], scope)
        place = None
        if name in ("file", "a_file"):
            place = file_place(entities, scope, recursive=target.recursive)
        if place is None:
            return None
        if name == "a_file":
            return place.noun
        return place.text

    kind = KINDS.get(target.kind)
    text = None
    if kind is not None:
        text = fill(kind.description, field_text)
    if text is not None:
        return text
    fields = [(name, object_value(one, scope.values(one))) for name, one in entities.items()]
    return by_fields(target.kind, fields)


def _entity_text(entity: Entity, scope: EvaluationScope) -> str:
    if entity.name == "var_ref" and entity.var_ref:
        return variable_text(entity.var_ref, scope)
    return object_value(entity, scope.values(entity))


def _filter_text(target: Object, scope: EvaluationScope) -> str:
    """Which of the things found count: ` except with type symbolic link or group 0`."""
    states: dict[str, list[str]] = {"include": [], "exclude": []}
    for action, name in target.filters:
        state = scope.results.states.get(name)
        if state is not None and action in states:
            states[action].append(state_text(state, scope))
    text = ""
    if states["include"]:
        text += " with " + " and ".join(states["include"])
    if states["exclude"]:
        text += " except with " + " or ".join(states["exclude"])
    return text


def variable_text(name: str, scope: EvaluationScope) -> str:
    """A variable as the setting that it captures, the place of its values, or its comment."""
    capture = scope.results.variable_captures.get(name)
    if capture is not None and (setting := _captured_setting(capture, scope)):
        return setting
    places = [_source_text(source, scope) for source in _source_objects(name, scope.results)]
    named_places = list(dict.fromkeys(filter(None, places)))
    listed = listed_values(named_places)
    comment = scope.results.variable_comments.get(name)
    if not comment:
        return listed or f"variable {short_id(name)}"
    names_a_place = any(place.split(":")[0] in comment for place in named_places)
    if not listed or names_a_place:
        return comment
    return f"{comment} ({listed})"


def _captured_setting(capture: VariableCapture, scope: EvaluationScope) -> str | None:
    """`/etc/login.defs: PASS_MAX_DAYS`."""
    target = scope.results.objects.get(capture.object)
    if target is None or target.kind not in TEXT_KINDS or scope.too_deep:
        return None
    name = setting_name(target, scope)
    if capture.pattern and (found := pattern_text(capture.pattern)):
        name = found.name
    place = description(target, scope)
    if not place or not name:
        return None
    return f"{place}: {name}"


def _source_objects(name: str, results: OvalResults) -> list[str]:
    """The objects that a variable's values come from, also by way of other variables."""
    objects: dict[str, None] = {}
    seen: set[str] = set()
    to_visit = [name]
    while to_visit and len(seen) < _MAX_VARIABLES:
        current = to_visit.pop()
        if current not in seen:
            seen.add(current)
            objects |= dict.fromkeys(results.variable_objects.get(current, ()))
            to_visit += results.variable_components.get(current, ())
    return list(objects)


def _source_text(name: str, scope: EvaluationScope) -> str | None:
    """Where a variable's values are read; None for an object that is a variable itself."""
    target = scope.results.objects.get(name)
    if target is None or any(entity.name == "var_ref" for entity in target.entities):
        return None
    place = description(target, scope)
    if not place or target.kind not in TEXT_KINDS:
        return place
    if setting := setting_name(target, scope):
        return f"{place}: {setting}"
    if line := line_text(target, scope):
        return f"{place}: line {line}"
    return place


def setting_name(target: Object, scope: EvaluationScope) -> str | None:
    """The name of the setting whose value an object's patterns capture, if they agree on it."""
    texts = [pattern_text(pattern) for pattern in _patterns(target, scope)]
    names = {found.name for found in texts if found is not None}
    if len(names) != 1:
        return None
    return names.pop()


def line_text(target: Object, scope: EvaluationScope) -> str | None:
    """The line that is looked for, to follow the word "line"; None without a pattern."""
    texts = [_pattern_phrase(pattern) for pattern in _patterns(target, scope)]
    return " or ".join(dict.fromkeys(texts)) or None


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


def _patterns(target: Object, scope: EvaluationScope) -> Sequence[str]:
    """The patterns of an object, or of the members of a set."""
    if scope.too_deep:
        return ()
    for entity in target.entities:
        if entity.name in _PATTERN_FIELDS:
            return scope.values(entity) or ()
    patterns: dict[str, None] = {}
    for member in _members(target, scope):
        patterns |= dict.fromkeys(_patterns(member, scope.deeper()))
    return list(patterns)


def _pattern_phrase(pattern: str) -> str:
    """`starting with “umask 027”`; where a text would say less, the expression goes with it."""
    expression = _shown_expression(pattern)
    found = pattern_text(pattern)
    if found is None:
        return f"matching {expression}"
    text = f"“{found.text}”"
    if not found.is_equivalent:
        return f"like {text} ({expression})"
    if found.starts_line and found.ends_line:
        return text
    if found.starts_line:
        return f"starting with {text}"
    if found.ends_line:
        return f"ending with {text}"
    return f"with {text}"


def _shown_expression(pattern: str) -> str:
    shown = pattern.replace("\n", "\\n")
    if len(shown) > _MAX_PATTERN:
        shown = shown[: _MAX_PATTERN - 1] + "…"
    return f"/{shown}/"
