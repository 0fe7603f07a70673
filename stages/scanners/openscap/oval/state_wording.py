"""States in plain text: `owner 0 and mode 0640 or stricter`. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from stages.scanners.openscap.oval.entity_wording import expected_value
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.file_modes import MODE_FIELDS, expected_mode
from stages.scanners.openscap.oval.kinds import label
from stages.scanners.openscap.oval.oval_model import Entity, Object, State
from stages.scanners.openscap.oval.readable_values import readable_value

_BOOKKEEPING = frozenset(("instance", "windows_view"))
"""Fields by which the scanner tells its items apart: they demand nothing of the host."""
_CHECK_PREFIXES = {
    "at least one": "at least one ",
    "none satisfy": "none ",
    "only one": "exactly one ",
}


def state_text(state: State, scope: EvaluationScope, unnamed: str | None = None) -> str:
    """All that a state expects; the field `unnamed` goes without its name."""
    separator = f" {state.operator.lower()} "
    return separator.join(entity_texts(state, scope, unnamed)) or "anything"


def entity_texts(state: State, scope: EvaluationScope, unnamed: str | None = None) -> list[str]:
    """Each expected value with its field's name; the permission fields together as one mode."""
    texts = []
    for entity in state.entities:
        if entity.name in MODE_FIELDS:
            continue
        text = entity_text(entity, scope, state.kind)
        if entity.name != unnamed:
            text = f"{label(state.kind, entity.name)} {text}"
        texts.append(text)
    if mode := expected_mode(state.entities):
        texts.append(f"mode {mode}")
    return texts


def entity_text(entity: Entity, scope: EvaluationScope, kind: str) -> str:
    """The value that a field of a kind is expected to have, without the field's name."""
    if entity.masked:
        return "a value that is not shown"
    values = scope.values(entity)
    if values is not None and entity.operation != "pattern match":
        values = tuple(readable_value(kind, entity.name, value) for value in values)
    text = expected_value(entity, values)
    if entity.operation == "equals" and entity.check == "at least one":
        return f"to include {text}"
    if entity.operation == "equals" and entity.check == "none satisfy":
        return f"not to include {text}"
    return _CHECK_PREFIXES.get(entity.check, "") + text


def without_search_terms(state: State, target: Object | None) -> State:
    """A state without what only repeats how its object was looked for, or numbers the matches.

    Content often looks for the file /etc/x and then expects its path to be /etc/x. A state that
    holds nothing else stays as it is.
    """
    if target is None or state.operator != "AND":
        return state
    kept = tuple(
        entity
        for entity in state.entities
        if entity.name not in _BOOKKEEPING and not _repeats(entity, target.entities)
    )
    if not kept:
        return state
    return replace(state, entities=kept)


def _repeats(entity: Entity, search_terms: Sequence[Entity]) -> bool:
    if entity.operation != "equals" or entity.value is None:
        return False
    same_name = [term for term in search_terms if term.name == entity.name]
    return any(term.operation == "equals" and term.value == entity.value for term in same_name)
