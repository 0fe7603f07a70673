"""Objects in plain text: what a test looks for, with the values of this scan's variables. Pure.

Objects and variables refer to each other: an object may look for the value of a variable that is
read from files which other objects look for. `EvaluationScope.depth` bounds such a chain.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.records import Struct
from stages.scanners.openscap.oval.entity_wording import listed_values, object_value, short_id
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.file_wording import FilesIn, file_place
from stages.scanners.openscap.oval.kind_templates import by_fields, fill
from stages.scanners.openscap.oval.kinds import KINDS
from stages.scanners.openscap.oval.line_wording import TEXT_KINDS, line_text, members, setting_name
from stages.scanners.openscap.oval.oval_model import Entity, Object, OvalResults
from stages.scanners.openscap.oval.pattern_wording import pattern_text
from stages.scanners.openscap.oval.state_wording import state_text

_MAX_VARIABLES = 50


class CapturedSetting(Struct, frozen=True):
    """A setting in a file, whose value is a variable's: `/etc/login.defs` and `PASS_MAX_DAYS`."""

    place: str
    name: str

    @property
    def text(self) -> str:
        return f"{self.place}: {self.name}"


class ObjectText(Struct, frozen=True):
    """What an object looks for, in plain text."""

    text: str
    is_plural: bool = False
    """Whether it names several files; of a set its first object decides."""
    files_in: FilesIn | None = None
    """The text's two parts, where it names some files of one directory."""
    setting: CapturedSetting | None = None
    """The setting that the text names, where the object is a variable read from one."""


class _Source(Struct, frozen=True):
    """Where a variable's values are read: `text` is the place with the setting or the line."""

    text: str
    place: str
    setting: CapturedSetting | None = None


def describe(target: Object | None, scope: EvaluationScope) -> ObjectText | None:
    """What an object looks for; None where the object is not in the results."""
    if target is None or scope.too_deep:
        return None
    scope = scope.deeper()
    if target.members:
        found = _describe_set(target, scope)
    else:
        found = _describe_one(target, scope)
    if found is None or not found.text:
        return None
    filters = _filter_text(target, scope)
    if filters:
        return ObjectText(found.text + filters, found.is_plural)
    return found


def _entities(target: Object) -> dict[str, Entity]:
    return {entity.name: entity for entity in target.entities if not entity.nil}


def _describe_set(target: Object, scope: EvaluationScope) -> ObjectText | None:
    found = list(dict.fromkeys(_describe_members(target, scope)))
    if found:
        return ObjectText(_listed_places(found), found[0].is_plural)
    if target.comment:
        return ObjectText(target.comment)
    return None


def _describe_members(target: Object, scope: EvaluationScope) -> list[ObjectText]:
    """The texts of the objects in a set, and of those in sets of it that have no filter."""
    found: list[ObjectText] = []
    for member in members(target, scope):
        has_filter = bool(member.included or member.excluded)
        if member.members and not has_filter:
            found += _describe_members(member, scope.deeper())
            continue
        text = describe(member, scope)
        if text is not None:
            found.append(text)
    return found


def _listed_places(found: Iterable[ObjectText]) -> str:
    """`/etc/x or files named *.conf in /etc/x.d, /run/x.d`: each kind of files once."""
    directories: dict[str, list[str]] = {}
    for one in found:
        if one.files_in is None:
            directories[one.text] = []
        else:
            directories.setdefault(one.files_in.files, []).append(one.files_in.directory)
    places = []
    for files, listed in directories.items():
        if listed:
            places.append(f"{files} in {', '.join(listed)}")
        else:
            places.append(files)
    return " or ".join(places)


def _describe_one(target: Object, scope: EvaluationScope) -> ObjectText:
    entities = _entities(target)
    variable = entities.get("var_ref")
    if target.kind == "variable" and variable is not None and variable.var_ref:
        return _describe_variable(variable.var_ref, scope)
    place = None
    kind = KINDS.get(target.kind)
    if kind is not None and kind.is_place:
        place = file_place(entities, scope, recursive=target.recursive)
    if place is None:
        return ObjectText(_single_description(target, entities, scope))
    text = place.with_type
    if target.kind in TEXT_KINDS:
        text = place.text
    return ObjectText(text, place.is_plural, place.files_in)


def _single_description(
    target: Object, entities: Mapping[str, Entity], scope: EvaluationScope
) -> str:
    def field_text(name: str) -> str | None:
        if name == "file":
            return _place_text(target, entities, scope)
        if name in entities:
            return _value_text(entities[name], scope)
        return None

    kind = KINDS.get(target.kind)
    if kind is not None:
        text = fill(kind.description, field_text)
        if text is not None:
            return text
    fields = [(name, _value_text(entity, scope)) for name, entity in entities.items()]
    return by_fields(target.kind, fields)


def _place_text(
    target: Object, entities: Mapping[str, Entity], scope: EvaluationScope
) -> str | None:
    place = file_place(entities, scope, recursive=target.recursive)
    if place is None:
        return None
    return place.text


def _value_text(entity: Entity, scope: EvaluationScope) -> str:
    return object_value(entity, scope.values(entity)).text


def _filter_text(target: Object, scope: EvaluationScope) -> str:
    """The filters of an object: ` except with type symbolic link or group 0`."""
    text = ""
    included = _state_texts(target.included, scope)
    if included:
        text += " with " + " and ".join(included)
    excluded = _state_texts(target.excluded, scope)
    if excluded:
        text += " except with " + " or ".join(excluded)
    return text


def _state_texts(states: Iterable[str], scope: EvaluationScope) -> list[str]:
    known = scope.results.states
    return [state_text(known[name], scope) for name in states if name in known]


def _describe_variable(name: str, scope: EvaluationScope) -> ObjectText:
    """A variable as the setting that it captures, the places of its values, or its comment."""
    setting = _captured_setting(name, scope)
    if setting is not None:
        return ObjectText(setting.text, setting=setting)
    sources = _sources(name, scope)
    comment = scope.results.variable_comments.get(name)
    if comment:
        return ObjectText(_comment_with_sources(comment, sources))
    if not sources:
        return ObjectText(f"variable {short_id(name)}")
    if len(sources) == 1:
        return ObjectText(sources[0].text, setting=sources[0].setting)
    return ObjectText(_listed_sources(sources))


def _comment_with_sources(comment: str, sources: Sequence[_Source]) -> str:
    names_a_place = any(source.place in comment for source in sources)
    if not sources or names_a_place:
        return comment
    return f"{comment} ({_listed_sources(sources)})"


def _listed_sources(sources: Sequence[_Source]) -> str:
    return listed_values([source.text for source in sources])


def _captured_setting(name: str, scope: EvaluationScope) -> CapturedSetting | None:
    """The setting whose value a variable captures from a line."""
    capture = scope.results.variable_captures.get(name)
    if capture is None:
        return None
    target = scope.results.objects.get(capture.object)
    if target is None or target.kind not in TEXT_KINDS:
        return None
    setting = setting_name(target, scope)
    if capture.pattern and (found := pattern_text(capture.pattern)):
        setting = found.name
    place = describe(target, scope)
    if place is None or not setting:
        return None
    return CapturedSetting(place.text, setting)


def _sources(name: str, scope: EvaluationScope) -> list[_Source]:
    """Where a variable's values are read, each place once."""
    found: dict[_Source, None] = {}
    for object_id in _source_objects(name, scope.results):
        source = _source(object_id, scope)
        if source is not None:
            found[source] = None
    return list(found)


def _source_objects(name: str, results: OvalResults) -> list[str]:
    """The objects that a variable's values come from, directly or through other variables."""
    objects: dict[str, None] = {}
    seen: set[str] = set()
    to_visit = [name]
    while to_visit and len(seen) < _MAX_VARIABLES:
        current = to_visit.pop()
        if current in seen:
            continue
        seen.add(current)
        objects |= dict.fromkeys(results.variable_objects.get(current, ()))
        to_visit += results.variable_components.get(current, ())
    return list(objects)


def _source(object_id: str, scope: EvaluationScope) -> _Source | None:
    """Where a variable's values are read; None for an object that is a variable itself."""
    target = scope.results.objects.get(object_id)
    if target is None or target.kind == "variable":
        return None
    found = describe(target, scope)
    if found is None:
        return None
    place = found.text
    if target.kind not in TEXT_KINDS:
        return _Source(place, place)
    if name := setting_name(target, scope):
        setting = CapturedSetting(place, name)
        return _Source(setting.text, place, setting)
    if line := line_text(target, scope):
        return _Source(f"{place}: line {line}", place)
    return _Source(place, place)
