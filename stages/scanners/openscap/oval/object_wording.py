"""What was looked for and what was demanded, in words, with the variables' values of this scan. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stages.scanners.openscap.oval.entity_wording import (
    MODE_FIELDS,
    demand,
    listing,
    mode_demand,
    place,
    short_id,
)
from stages.scanners.openscap.oval.kind_templates import by_name, fill
from stages.scanners.openscap.oval.kinds import KINDS, label
from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    Entity,
    EvaluatedTest,
    Object,
    OvalResults,
    State,
)
from stages.scanners.openscap.oval.pattern_wording import plain

TEXT_KINDS = frozenset(("textfilecontent54", "textfilecontent"))
_NO_PATTERN = "(no pattern)"
_MAX_PATTERN = 160
_MAX_LINKS = 50
_MAX_DEPTH = 4
_MAX_MEMBERS = 5
_EVERY_NAME = frozenset(("matching ^.*$", "matching .*", "matching ^.+$", "matching .+"))


@dataclass(frozen=True)
class Scope:
    """Where the values of one test's variables are known from."""

    findings: OvalResults
    tested: EvaluatedTest | None
    collected: CollectedObject | None
    depth: int = 0
    """How many objects refer to each other on the way here; content may be made to go in circles."""

    def deeper(self) -> "Scope":
        return replace(self, depth=self.depth + 1)

    def values(self, entity: Entity) -> tuple[str, ...] | None:
        """The values of a field, resolved; None where its variable is not known."""
        if entity.var_ref is None:
            return (entity.value or "",)
        for known in (self.tested, self.collected):
            if known is not None and entity.var_ref in known.variables:
                return known.variables[entity.var_ref]
        return self.findings.constants.get(entity.var_ref)


def noun(target: Object | None, scope: Scope) -> str | None:
    """What was looked for, without the lines of files; None where the object is not in the results."""
    if target is None or scope.depth > _MAX_DEPTH:
        return None
    scope = scope.deeper()
    if target.members:
        members = [
            noun(scope.findings.objects.get(name), scope) for name in target.members[:_MAX_MEMBERS]
        ]
        told = list(dict.fromkeys(member for member in members if member))
        text = " or ".join(told) or target.comment
    else:
        text = _noun(target, scope)
    return f"{text}{_filters(target, scope)}" if text else None


def _noun(target: Object, scope: Scope) -> str:
    entities = {entity.name: entity for entity in target.entities if not entity.nil}
    kind = KINDS.get(target.kind)

    def field(name: str) -> str | None:
        if name in ("file", "a_file"):
            return file_place(entities, scope, below=target.below, noun=name == "a_file")
        entity = entities.get(name)
        if entity is None:
            return None
        if name == "var_ref" and entity.var_ref:
            return variable(entity.var_ref, scope)
        return place(entity, scope.values(entity))

    text = fill(kind.noun, field) if kind else None
    if text is None:
        fields = [(name, place(entity, scope.values(entity))) for name, entity in entities.items()]
        return by_name(target.kind, fields)
    return text


def file_place(
    entities: Mapping[str, Entity], scope: Scope, *, below: bool, noun: bool
) -> str | None:
    """Where the files lie that were looked for, by path and name or by both in one."""
    whole, path, name = (entities.get(key) for key in ("filepath", "path", "filename"))
    given = whole or path
    if given is None:
        return None
    where = place(given, scope.values(given))
    if whole is None and name is not None:
        called = place(name, scope.values(name))
        inside = f"directories {where}" if where.startswith("matching ") else where
        inside += " and below" if below else ""
        if called in _EVERY_NAME:
            return f"files in {inside}"
        if (
            called.startswith("matching ")
            or where.startswith("matching ")
            or below
            or ", " in called
        ):
            return f"files {called if called.startswith('matching ') else 'named ' + called} in {inside}"
        return f"file {where.rstrip('/')}/{called}" if noun else f"{where.rstrip('/')}/{called}"
    thing = "directory" if whole is None else "file"
    if where.startswith("matching "):
        return f"{'directories' if whole is None else 'files'} {where}"
    return f"{thing} {where}" if noun else where


def _filters(target: Object, scope: Scope) -> str:
    told: dict[str, list[str]] = {"include": [], "exclude": []}
    for action, name in target.filters:
        state = scope.findings.states.get(name)
        if state is not None and action in told:
            told[action].append(state_phrase(state, scope))
    only = f" with {' and '.join(told['include'])}" if told["include"] else ""
    return only + (f" except with {' or '.join(told['exclude'])}" if told["exclude"] else "")


def variable(name: str, scope: Scope) -> str:
    """A variable by the setting that it is, the place that its values were read from, or its comment."""
    if captured := _captured(name, scope):
        return captured
    findings = scope.findings
    comment = findings.comments.get(name)
    places = [text for source in _sources(name, findings) if (text := _source(source, scope))]
    told = listing(list(dict.fromkeys(places)))
    if comment and told and not any(place.split(":")[0] in comment for place in places):
        return f"{comment} ({told})"
    return comment or told or f"variable {short_id(name)}"


def _captured(name: str, scope: Scope) -> str | None:
    """`/etc/login.defs: PASS_MAX_DAYS` of a variable that is just that."""
    source, pattern = scope.findings.captures.get(name, ("", None))
    target = scope.findings.objects.get(source)
    if target is None or target.kind not in TEXT_KINDS or scope.depth > _MAX_DEPTH:
        return None
    found = plain(pattern) if pattern else None
    what = found.name if found else setting(target, scope)
    where = noun(target, scope)
    return f"{where}: {what}" if where and what else None


def _sources(name: str, findings: OvalResults) -> list[str]:
    """The objects from which a variable's values come, however many variables lie between."""
    objects: dict[str, None] = {}
    seen: set[str] = set()
    action = [name]
    while action and len(seen) < _MAX_LINKS:
        current = action.pop()
        if current in seen:
            continue
        seen.add(current)
        objects |= dict.fromkeys(findings.sources.get(current, ()))
        action += findings.links.get(current, ())
    return list(objects)


def _source(name: str, scope: Scope) -> str | None:
    target = scope.findings.objects.get(name)
    if target is None or any(entity.name == "var_ref" for entity in target.entities):
        return None
    text = noun(target, scope)
    if text and target.kind in TEXT_KINDS:
        words = setting(target, scope) or line_phrase(target, scope)
        return f"{text}: {words}" if words != _NO_PATTERN else text
    return text


def _pattern(target: Object, scope: Scope) -> Sequence[str]:
    """Of a set the patterns of its members."""
    if scope.depth > _MAX_DEPTH:
        return ()
    for entity in target.entities:
        if entity.name in ("pattern", "line"):
            return scope.values(entity) or ()
    members = [scope.findings.objects.get(name) for name in target.members[:_MAX_MEMBERS]]
    found = [
        pattern for member in members if member for pattern in _pattern(member, scope.deeper())
    ]
    return list(dict.fromkeys(found))


def setting(target: Object, scope: Scope) -> str | None:
    """The name of the setting whose value the pattern captures."""
    names = {found.name for pattern in _pattern(target, scope) if (found := plain(pattern))}
    return names.pop() if len(names) == 1 else None


def line_phrase(target: Object, scope: Scope) -> str:
    """The line that was looked for: its words, or the pattern itself."""
    shown = []
    for pattern in _pattern(target, scope):
        found = plain(pattern)
        text = f"“{found.text}”" if found else f"/{_shortened(pattern)}/"
        shown.append(text)
    return " or ".join(dict.fromkeys(shown)) or _NO_PATTERN


def is_later_line(target: Object) -> bool:
    """Whether only a second or later line counts."""
    return any(
        entity.name == "instance" and entity.operation == "greater than" and entity.value == "1"
        for entity in target.entities
    )


def _shortened(pattern: str) -> str:
    one_line = pattern.replace("\n", "\\n")
    return one_line if len(one_line) <= _MAX_PATTERN else one_line[: _MAX_PATTERN - 1] + "…"


def state_phrase(state: State, scope: Scope) -> str:
    """All that a state demands: `owner 0 and mode 0640 or stricter`."""
    parts = entity_phrases(state, scope)
    joiner = {"AND": " and ", "OR": " or "}.get(state.operator, f" {state.operator.lower()} ")
    return joiner.join(parts) or "anything"


def entity_phrases(state: State, scope: Scope, leave_out: str | None = None) -> list[str]:
    """Each demand with its field's name; the field `leave_out` goes without."""
    parts = []
    for entity in state.entities:
        if entity.name not in MODE_FIELDS:
            words = demand_phrase(entity, scope)
            named = entity.name == leave_out
            parts.append(words if named else f"{label(state.kind, entity.name)} {words}")
    if bits := mode_demand(state.entities):
        parts.append(f"mode {bits}")
    return parts


def demand_phrase(entity: Entity, scope: Scope) -> str:
    if entity.masked:
        return "a value that is not shown"
    words = demand(entity, scope.values(entity))
    if entity.operation == "equals" and entity.check in ("at least one", "none satisfy"):
        return f"{words} among them" if entity.check == "at least one" else f"no {words} among them"
    prefix = {"at least one": "at least one ", "none satisfy": "none ", "only one": "exactly one "}
    return prefix.get(entity.check, "") + words


def without_names(state: State, target: Object | None) -> State:
    """A state without what only repeats how the thing was looked for; as it is where nothing else is in it."""
    looked_for = (
        {(e.name, e.value) for e in target.entities if e.operation == "equals"} if target else set()
    )
    told = tuple(
        entity
        for entity in state.entities
        if entity.operation != "equals"
        or entity.value is None
        or (entity.name, entity.value) not in looked_for
    )
    return replace(state, entities=told) if told and state.operator == "AND" else state
