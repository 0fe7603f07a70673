"""States in plain text: `owner 0 and mode 0640 or stricter`. Pure."""

from collections.abc import Iterable

from schemas.codec import replace
from stages.scanners.openscap.oval.entity_wording import ValueText, expected_value
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.field_labels import BOOKKEEPING, label
from stages.scanners.openscap.oval.file_modes import MODE_FIELDS, bit_is_set, expected_mode
from stages.scanners.openscap.oval.line_wording import setting_name
from stages.scanners.openscap.oval.oval_model import Entity, Object, State
from stages.scanners.openscap.oval.readable_values import readable_duration, readable_value
from stages.scanners.secrets import masked_value

_CHECK_PREFIXES = {
    "at least one": "at least one ",
    "none satisfy": "none ",
    "only one": "exactly one ",
}
_INCLUSIONS = {
    "at least one": "to include ",
    "none satisfy": "not to include ",
    "only one": "exactly one ",
}
"""How many of several values of a field have to be equal to the expected one."""
_NAMING_FIELDS = frozenset(("property", "name", "key"))
_SEPARATORS = {"AND": " and ", "OR": " or "}


def state_text(state: State, scope: EvaluationScope, unnamed: str | None = None) -> str:
    """All that a state expects; the field `unnamed` is shown without its name."""
    texts = entity_texts(state, scope, unnamed)
    return _separator(state).join(texts) or "anything"


def entity_texts(state: State, scope: EvaluationScope, unnamed: str | None = None) -> list[str]:
    """Each expected value with its field's name; the permission fields together as one mode."""
    others = without_mode(state.entities)
    texts = []
    for entity in others:
        value = entity_value(entity, scope, state)
        if entity.name == unnamed:
            texts.append(value.without_field)
        else:
            texts.append(f"{label(state.kind, entity.name)} {value.text}")
    if len(others) < len(state.entities):
        texts.append(f"mode {mode_text(state, scope)}")
    return texts


def _separator(state: State) -> str:
    return _SEPARATORS.get(state.operator, " xor ")


def without_mode(entities: Iterable[Entity]) -> list[Entity]:
    """The fields that are not bits of a file's mode."""
    return [entity for entity in entities if entity.name not in MODE_FIELDS]


def entity_value(entity: Entity, scope: EvaluationScope, state: State) -> ValueText:
    """The value that a field is expected to have, without the field's name."""
    if entity.masked:
        return ValueText("a value that is not shown")
    value = expected_value(entity, _readable_values(entity, scope, state))
    prefix = _CHECK_PREFIXES.get(entity.check)
    if prefix is None:
        return value
    if entity.operation == "equals":
        prefix = _INCLUSIONS[entity.check]
    return ValueText(prefix + value.text)


def mode_text(state: State, scope: EvaluationScope) -> str:
    """What the permission fields of a state require."""
    bits: dict[str, bool] = {}
    for entity in state.entities:
        value = scope.value(entity)
        if entity.name in MODE_FIELDS and value is not None:
            has_to_be_other = entity.operation == "not equal"
            bits[entity.name] = bit_is_set(value) != has_to_be_other
    return expected_mode(bits, _separator(state))


def without_search_terms(state: State, target: Object) -> State:
    """A state without what only repeats how its object was looked for, or numbers the matches.

    Content often looks for the file /etc/x and then expects its path to be /etc/x. A state that
    holds nothing else stays as it is.
    """
    kept = []
    for entity in state.entities:
        if entity.name not in BOOKKEEPING and entity not in target.entities:
            kept.append(entity)
    if not kept:
        return state
    return replace(state, entities=tuple(kept))


def _readable_values(entity: Entity, scope: EvaluationScope, state: State) -> tuple[str, ...]:
    """The expected values as an administrator writes them; a secret of the profile masked."""
    values = scope.values(entity)
    if entity.operation == "pattern match":
        return values
    setting = _setting(entity, state, scope)
    readable = []
    for value in values:
        text = readable_value(state.kind, entity.name, value, setting)
        if scope.is_duration():
            text = readable_duration(value)
        if entity.operation == "equals":
            text = masked_value(setting, text)
        readable.append(text)
    return tuple(readable)


def _setting(entity: Entity, state: State, scope: EvaluationScope) -> str | None:
    """The name of what has the value: the setting in a line, the property of a unit, the field."""
    if entity.name == "subexpression":
        return setting_name(scope.target, scope)
    if entity.name not in ("value", "text"):
        return entity.name
    for candidate in (*state.entities, *scope.target.entities):
        if candidate.name in _NAMING_FIELDS:
            return scope.value(candidate)
    return None
