"""Objects in plain text: what a test looks for, with the values of this scan's variables. Pure.

Objects and variables refer to each other: an object may look for the value of a variable that is
read from files which other objects look for. `EvaluationScope.depth` bounds such a chain.
"""

from collections.abc import Iterable

from schemas.records import Struct
from stages.scanners.openscap.oval.entity_wording import listed_values, object_value, short_id
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.file_wording import FilesIn, file_place
from stages.scanners.openscap.oval.kind_templates import by_fields, fill
from stages.scanners.openscap.oval.kinds import kind_of
from stages.scanners.openscap.oval.line_wording import line_text, members, setting_name
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
    places: tuple["ObjectText", ...] = ()
    """The texts of the objects in a set, also of those in sets of it that have no filter."""


class _Source(Struct, frozen=True):
    """Where a variable's values are read: `text` is the place with the setting or the line."""

    text: str
    place: str


def describe(target: Object, scope: EvaluationScope) -> ObjectText:
    """What an object looks for.

    Its comment or its id, where the results do not define it or it refers to itself.
    """
    scope = scope.deeper()
    if scope.too_deep or not target.kind:
        return ObjectText(target.comment or short_id(target.id))
    if target.members:
        found = _describe_set(target, scope)
    else:
        found = _describe_one(target, scope)
    filters = _filter_text(target, scope)
    if filters:
        return ObjectText(found.text + filters, found.is_plural)
    return found


def _describe_set(target: Object, scope: EvaluationScope) -> ObjectText:
    found: list[ObjectText] = []
    for member in members(target, scope):
        text = describe(member, scope)
        found += text.places or (text,)
    places = tuple(dict.fromkeys(found))
    return ObjectText(_listed_places(places), places[0].is_plural, places=places)


def _listed_places(found: Iterable[ObjectText]) -> str:
    """`/etc/x or files named *.conf in /etc/x.d, /run/x.d`: each kind of files once."""
    places: dict[str, str] = {}
    for one in found:
        if one.files_in is None:
            places[one.text] = one.text
        elif one.files_in.files in places:
            places[one.files_in.files] += f", {one.files_in.directory}"
        else:
            places[one.files_in.files] = one.text
    return " or ".join(places.values())


def _describe_one(target: Object, scope: EvaluationScope) -> ObjectText:
    entities = {entity.name: entity for entity in target.entities if not entity.nil}
    variable = entities.get("var_ref")
    if variable is not None:
        return _describe_variable(variable.var_ref or "", scope)
    texts = {name: _value_text(entity, scope) for name, entity in entities.items()}
    place_texts: dict[str, str] = {}
    place = file_place(entities, scope, recursive=target.recursive)
    if place is not None:
        place_texts = {"file": place.text, "a_file": place.with_type}
    kind = kind_of(target.kind)
    text = fill(kind.description, (texts | place_texts).get) or by_fields(target.kind, texts)
    if place is None or not kind.is_place:
        return ObjectText(text)
    return ObjectText(text, place.is_plural, place.files_in)


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
    return [state_text(state, scope) for state in scope.results.known_states(states)]


def _describe_variable(name: str, scope: EvaluationScope) -> ObjectText:
    """A variable as the setting that it captures, or its comment with the places of its values."""
    setting = _captured_setting(name, scope)
    if setting is not None:
        return ObjectText(setting.text, setting=setting)
    sources = [_source(source, scope) for source in _source_objects(name, scope.results)]
    comment = scope.results.variable_comments.get(name, f"variable {short_id(name)}")
    names_a_place = any(source.place in comment for source in sources)
    if not sources or names_a_place:
        return ObjectText(comment)
    texts = list(dict.fromkeys(source.text for source in sources))
    return ObjectText(f"{comment} ({listed_values(texts)})")


def _captured_setting(name: str, scope: EvaluationScope) -> CapturedSetting | None:
    """The setting whose value a variable captures from a line."""
    capture = scope.results.variable_captures.get(name)
    if capture is None:
        return None
    target = scope.results.object(capture.object)
    setting = setting_name(target, scope)
    if capture.pattern is not None:
        setting = pattern_text(capture.pattern).name
    if setting is None:
        return None
    return CapturedSetting(describe(target, scope).text, setting)


def _source_objects(name: str, results: OvalResults) -> list[Object]:
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
    return [results.object(found) for found in objects]


def _source(target: Object, scope: EvaluationScope) -> _Source:
    """Where a variable's values are read."""
    place = describe(target, scope).text
    name = setting_name(target, scope)
    if name is not None:
        return _Source(CapturedSetting(place, name).text, place)
    line = line_text(target, scope)
    if line:
        return _Source(f"{place}: line {line}", place)
    return _Source(place, place)
