"""States in plain text: `owner 0 and mode 0640 or stricter`. Pure."""

from collections.abc import Iterable, Sequence

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
_INCLUSIONS = {"at least one": "to include ", "none satisfy": "not to include "}
"""How many of several values of a field have to be equal to the expected one."""
_NAMING_FIELDS = frozenset(("property", "name", "key"))
_SEPARATORS = {"AND": " and ", "OR": " or "}


def state_text(state: State, scope: EvaluationScope, unnamed: str | None = None) -> str:
    """All that a state expects; the field `unnamed` is shown without its name."""
    texts = entity_texts(state, scope, unnamed)
    if not texts:
        return "anything"
    if len(texts) == 1:
        return texts[0]
    separator = _SEPARATORS.get(state.operator)
    if separator is None:
        return "exactly one of: " + ", ".join(texts)
    return separator.join(texts)


def entity_texts(state: State, scope: EvaluationScope, unnamed: str | None = None) -> list[str]:
    """Each expected value with its field's name; the permission fields together as one mode."""
    texts = []
    for entity in state.entities:
        if is_mode_bit(entity, scope):
            continue
        value = entity_value(entity, scope, state)
        if entity.name == unnamed:
            texts.append(value.without_field)
        else:
            texts.append(f"{label(state.kind, entity.name)} {value.text}")
    mode = mode_text(state, state.entities, scope)
    if mode is not None:
        texts.append(f"mode {mode}")
    return texts


def entity_value(entity: Entity, scope: EvaluationScope, state: State) -> ValueText:
    """The value that a field is expected to have, without the field's name."""
    if entity.masked:
        return ValueText("a value that is not shown")
    value = expected_value(entity, _readable_values(entity, scope, state))
    if entity.operation == "equals" and entity.check in _INCLUSIONS:
        return ValueText(_INCLUSIONS[entity.check] + value.text)
    if entity.check in _CHECK_PREFIXES:
        return ValueText(_CHECK_PREFIXES[entity.check] + value.text)
    return value


def is_mode_bit(entity: Entity, scope: EvaluationScope) -> bool:
    """Whether it is one bit of a file's mode, and its value is known."""
    return entity.name in MODE_FIELDS and scope.value(entity) is not None


def mode_text(state: State, entities: Iterable[Entity], scope: EvaluationScope) -> str | None:
    """What these permission fields of a state require; None where they are not permissions."""
    bits: dict[str, bool] = {}
    for entity in entities:
        value = scope.value(entity)
        if entity.name not in MODE_FIELDS or value is None:
            continue
        has_to_be_other = entity.operation == "not equal"
        bits[entity.name] = bit_is_set(value) != has_to_be_other
    return expected_mode(bits, state.operator)


def without_search_terms(state: State, target: Object) -> State:
    """A state without what only repeats how its object was looked for, or numbers the matches.

    Content often looks for the file /etc/x and then expects its path to be /etc/x. A state that
    holds nothing else stays as it is.
    """
    search_terms: Sequence[Entity] = ()
    if state.operator == "AND":
        search_terms = target.entities
    kept = []
    for entity in state.entities:
        is_required = entity.name not in BOOKKEEPING and not _repeats(entity, search_terms)
        if is_required:
            kept.append(entity)
    if not kept:
        return state
    return replace(state, entities=tuple(kept))


def _repeats(entity: Entity, search_terms: Iterable[Entity]) -> bool:
    """Whether the object was looked for by the same value: all that was found has it."""
    wanted = (entity.name, entity.operation, entity.value, entity.var_ref)
    for term in search_terms:
        if (term.name, term.operation, term.value, term.var_ref) == wanted:
            return True
    return False


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
