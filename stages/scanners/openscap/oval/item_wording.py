"""Items in plain text: what the scanner found on the host, with secrets masked. Pure."""

from collections.abc import Iterable
from itertools import islice

from stages.scanners.openscap.oval.entity_comparison import satisfies
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.field_labels import label
from stages.scanners.openscap.oval.file_modes import MODE_FIELDS, octal_mode
from stages.scanners.openscap.oval.item_fields import field_text, found_line, masked_field
from stages.scanners.openscap.oval.kind_templates import by_fields, fill
from stages.scanners.openscap.oval.kinds import kind_of
from stages.scanners.openscap.oval.line_wording import TEXT_KINDS
from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    Entity,
    EvaluatedTest,
    Item,
    State,
)
from stages.scanners.secrets import masked

_SHOWN_ITEMS = 10
_SHOWN_FIELDS = 8
_NO_REASONS = frozenset(("complete", ""))
"""Flags of a collected object that explain no error."""


def listed_items(texts: Iterable[str], total: int) -> str:
    """The first ten items, and how many there are."""
    unique = list(dict.fromkeys(texts))
    listed = "; ".join(unique[:_SHOWN_ITEMS])
    if total > _SHOWN_ITEMS:
        listed += f" (and {total - _SHOWN_ITEMS} more, {total} in total)"
    return listed


def subject(item: Item, description: str) -> str:
    """The thing that was found: a file, a package, a parameter.

    An item of a variable has nothing but a value, so it is called what was looked for.
    """
    if item.kind == "variable":
        return description
    text = fill(kind_of(item.kind).subject, lambda name: masked_field(item, name))
    if text:
        return masked(text)
    return by_fields(item.kind, _shown_fields(item))


def with_detail(item: Item, description: str, setting: str | None) -> str:
    """The item with its content: `/etc/x: mode 0644, owner 0`."""
    content = _content(item, setting)
    if not content:
        return subject(item, description)
    return f"{subject(item, description)}: {content}"


def with_expected_fields(
    item: Item, states: Iterable[State], setting: str | None, description: str
) -> str:
    """The item with those of its fields that the states expect to have a value."""
    if item.kind in TEXT_KINDS:
        return with_detail(item, description, setting)
    parts: dict[str, None] = {}
    for state in states:
        parts |= dict.fromkeys(_expected_fields(item, state, setting))
    if not parts:
        return with_detail(item, description, setting)
    return f"{subject(item, description)}: {', '.join(parts)}"


def _expected_fields(item: Item, state: State, setting: str | None) -> list[str]:
    subject_field = kind_of(item.kind).subject_field
    parts = []
    mode = None
    for entity in state.entities:
        if entity.name in MODE_FIELDS:
            mode = octal_mode(item)
            continue
        text = field_text(item, entity.name, setting)
        if text is None:
            continue
        if entity.name != subject_field:
            text = f"{label(item.kind, entity.name)} {text}"
        parts.append(text)
    if mode is not None:
        parts.append(f"mode {mode}")
    return parts


def unmet_entities(item: Item, state: State, scope: EvaluationScope) -> list[Entity]:
    """The entities of a state that the item may not satisfy, as far as can be determined."""
    if state.operator != "AND":
        return list(state.entities)
    return [entity for entity in state.entities if not _is_met(item, entity, scope)]


def _is_met(item: Item, entity: Entity, scope: EvaluationScope) -> bool:
    texts = item.all(entity.name)
    return len(texts) == 1 and satisfies(texts[0], entity, scope.values(entity))


def reason_of_error(
    evaluated: EvaluatedTest, collected: CollectedObject, items: Iterable[Item]
) -> str | None:
    """Why a test could not be evaluated: a message of the scanner, or the state of the search."""
    messages = [evaluated.message, collected.message, *(item.message for item in items)]
    message = next(filter(None, messages), None)
    if message is not None:
        return masked(message)
    is_undecided = evaluated.result in ("error", "unknown")
    if is_undecided and not collected.flag:
        return "nothing was collected, the scanner may lack the probe"
    if collected.flag in _NO_REASONS:
        return None
    return f"collected: {collected.flag}"


def _content(item: Item, setting: str | None) -> str | None:
    """The content of an item, where no value was expected of a certain field."""
    if item.kind in TEXT_KINDS:
        return found_line(item, setting)
    return fill(kind_of(item.kind).detail, lambda name: masked_field(item, name, setting))


def _shown_fields(item: Item) -> dict[str, str]:
    """The first fields, for an item of an unknown kind."""
    names = dict.fromkeys(field.name for field in item.fields)
    return {name: field_text(item, name, None) or "" for name in islice(names, _SHOWN_FIELDS)}
