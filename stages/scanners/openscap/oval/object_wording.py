"""Objects in plain text: what a test looks for, with the values of this scan's variables. Pure.

Objects and variables refer to each other: an object may look for the value of a variable, which
may be read from files that other objects look for. `EvaluationScope.depth` bounds that.
"""

from collections.abc import Iterable, Mapping

from stages.scanners.openscap.oval.entity_wording import listed_values, object_value, short_id
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.file_wording import file_place
from stages.scanners.openscap.oval.kind_templates import by_fields, fill
from stages.scanners.openscap.oval.kinds import KINDS
from stages.scanners.openscap.oval.line_wording import TEXT_KINDS, line_text, members, setting_name
from stages.scanners.openscap.oval.oval_model import Entity, Object, OvalResults, VariableCapture
from stages.scanners.openscap.oval.pattern_wording import pattern_text
from stages.scanners.openscap.oval.state_wording import state_text

_MAX_VARIABLES = 50


def description(target: Object | None, scope: EvaluationScope) -> str | None:
    """What an object looks for; None where the object is not in the results."""
    if target is None or scope.too_deep:
        return None
    scope = scope.deeper()
    if target.members:
        text = _description_of_set(target, scope)
    else:
        text = _single_description(target, scope)
    if not text:
        return None
    return text + _filter_text(target, scope)


def is_plural(target: Object, scope: EvaluationScope) -> bool:
    """Whether the description names several files; of a set its first object decides."""
    if scope.too_deep:
        return False
    for member in members(target, scope):
        if description(member, scope.deeper()):
            return is_plural(member, scope.deeper())
    kind = KINDS.get(target.kind)
    if kind is None or not kind.is_place:
        return False
    place = file_place(_entities(target), scope, recursive=target.recursive)
    return place is not None and place.is_plural


def _entities(target: Object) -> dict[str, Entity]:
    return {entity.name: entity for entity in target.entities if not entity.nil}


def _description_of_set(target: Object, scope: EvaluationScope) -> str | None:
    texts = dict.fromkeys(_descriptions_of_members(target, scope))
    return _listed_places(texts) or target.comment


def _descriptions_of_members(target: Object, scope: EvaluationScope) -> list[str]:
    """Those of the objects of a set; a set in it that leaves nothing out is taken apart."""
    if scope.too_deep:
        return []
    texts = []
    for member in members(target, scope):
        if member.members and not member.filters:
            texts += _descriptions_of_members(member, scope.deeper())
        elif text := description(member, scope):
            texts.append(text)
    return texts


def _listed_places(texts: Iterable[str]) -> str:
    """`/etc/x or files named *.conf in /etc/x.d, /run/x.d`: each kind of files once."""
    directories: dict[str, list[str]] = {}
    for text in texts:
        files, _, directory = text.rpartition(" in /")
        if not files or " " in directory:
            directories[text] = []
        else:
            directories.setdefault(files, []).append(f"/{directory}")
    places = []
    for files, found in directories.items():
        if found:
            places.append(f"{files} in {', '.join(found)}")
        else:
            places.append(files)
    return " or ".join(places)


def _single_description(target: Object, scope: EvaluationScope) -> str:
    entities = _entities(target)

    def field_text(name: str) -> str | None:
        if name in ("file", "a_file"):
            return _place_text(name, entities, scope, recursive=target.recursive)
        if name in entities:
            return _entity_text(entities[name], scope)
        return None

    kind = KINDS.get(target.kind)
    if kind is not None:
        text = fill(kind.description, field_text)
        if text is not None:
            return text
    fields = []
    for name, entity in entities.items():
        fields.append((name, object_value(entity, scope.values(entity)).text))
    return by_fields(target.kind, fields)


def _place_text(
    name: str, entities: Mapping[str, Entity], scope: EvaluationScope, *, recursive: bool
) -> str | None:
    """`/etc/x`, or with what it is: `file /etc/x`."""
    place = file_place(entities, scope, recursive=recursive)
    if place is None:
        return None
    if name == "a_file":
        return place.with_type
    return place.text


def _entity_text(entity: Entity, scope: EvaluationScope) -> str:
    if entity.name == "var_ref" and entity.var_ref:
        return variable_text(entity.var_ref, scope)
    return object_value(entity, scope.values(entity)).text


def _filter_text(target: Object, scope: EvaluationScope) -> str:
    """Which of the things found count: ` except with type symbolic link or group 0`."""
    included: list[str] = []
    excluded: list[str] = []
    for action, name in target.filters:
        state = scope.results.states.get(name)
        if state is None:
            continue
        if action == "include":
            included.append(state_text(state, scope))
        elif action == "exclude":
            excluded.append(state_text(state, scope))
    text = ""
    if included:
        text += " with " + " and ".join(included)
    if excluded:
        text += " except with " + " or ".join(excluded)
    return text


def variable_text(name: str, scope: EvaluationScope) -> str:
    """A variable as the setting that it captures, the place of its values, or its comment."""
    capture = scope.results.variable_captures.get(name)
    if capture is not None:
        setting = _captured_setting(capture, scope)
        if setting is not None:
            return setting
    places = _source_places(name, scope)
    listed = listed_values(places)
    comment = scope.results.variable_comments.get(name)
    if not comment:
        return listed or f"variable {short_id(name)}"
    if not listed or _names_a_place(comment, places):
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


def _source_places(name: str, scope: EvaluationScope) -> list[str]:
    """Where a variable's values are read, each place once."""
    places: dict[str, None] = {}
    for source in _source_objects(name, scope.results):
        if place := _source_text(source, scope):
            places[place] = None
    return list(places)


def _names_a_place(comment: str, places: Iterable[str]) -> bool:
    for place in places:
        file = place.split(":")[0]
        if file in comment:
            return True
    return False


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
    if target is None or target.kind == "variable":
        return None
    place = description(target, scope)
    if not place or target.kind not in TEXT_KINDS:
        return place
    if setting := setting_name(target, scope):
        return f"{place}: {setting}"
    if line := line_text(target, scope):
        return f"{place}: line {line}"
    return place
