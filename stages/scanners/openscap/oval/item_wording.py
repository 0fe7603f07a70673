"""What was found on the host, in words, secrets masked. Pure."""

import re
from collections.abc import Iterable, Sequence

from stages.scanners.openscap.oval.entity_wording import MODE_FIELDS, mode, satisfied
from stages.scanners.openscap.oval.kind_templates import by_name, fill, item_field
from stages.scanners.openscap.oval.kinds import KINDS, label
from stages.scanners.openscap.oval.object_wording import TEXT_KINDS, Scope
from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    Entity,
    EvaluatedTest,
    Item,
    ItemField,
    State,
)
from stages.scanners.openscap.oval.secrets import MASK, masked, masked_line, masked_value

SHOWN_ITEMS = 10
_NAME = re.compile(r"[A-Za-z][\w.-]{0,60}[=:]?")
_MAX_TEXT = 300
_MAX_VALUES = 10
_HASH_FIELDS = {"password": ("password",), "shadow": ("password",)}


def shown(values: Sequence[str], total: int) -> str:
    """The first ten, and how many there are."""
    texts = list(dict.fromkeys(values))[:SHOWN_ITEMS]
    count = f" (and {total - SHOWN_ITEMS} more, {total} in all)" if total > SHOWN_ITEMS else ""
    return "; ".join(texts) + count


def subject(item: Item, noun: str) -> str:
    """What the item is: a file, a package, a parameter. A variable is what was looked for, the `noun`."""
    if item.kind == "variable":
        return noun
    kind = KINDS.get(item.kind)
    text = fill(kind.subject, lambda name: _masked_field(item, name)) if kind else None
    return masked(text) if text else by_name(item.kind, _identifying(item))


def detail(item: Item) -> str | None:
    """What is to be said of the item where nothing of it was demanded."""
    if item.kind in TEXT_KINDS:
        return line(item)
    kind = KINDS.get(item.kind)
    return (
        fill(kind.detail, lambda name: _masked_field(item, name)) if kind and kind.detail else None
    )


def line(item: Item) -> str | None:
    """The line that was found in a file."""
    text = item.first("text", "subexpression")
    return _cut(masked_line(text)) if text is not None else None


def told(item: Item, noun: str) -> str:
    """The item with what it holds."""
    words = (
        detail(item) if item.kind != "variable" else value_words(item, "value", variable_name(noun))
    )
    return f"{subject(item, noun)}: {words}" if words else subject(item, noun)


def variable_name(noun: str) -> str:
    """The setting that a variable was read from, at the end of its noun: what says whether it is a secret."""
    return noun.rpartition(": ")[2]


def value_words(item: Item, entity_name: str, setting: str | None) -> str | None:
    """A field's values as text; None where the item has none of this name."""
    values = [value for value in item.values if value.name == entity_name]
    if not values:
        return None
    name = _name_of(item, entity_name)
    if entity_name == "subexpression":
        name = setting or setting_of(item)
    elif item.kind == "variable":
        name = setting
    if item.kind in TEXT_KINDS and entity_name in ("text", "line"):
        return line(item)
    texts = [_value_text(item, value, name) for value in values]
    more = len(texts) - _MAX_VALUES
    return ", ".join(texts[:_MAX_VALUES]) + (f" and {more} more" if more > 0 else "")


def with_states(item: Item, states: Iterable[State], setting: str | None, noun: str) -> str:
    """The item with the fields that were demanded."""
    if item.kind in TEXT_KINDS:
        return told(item, noun)
    parts: list[str] = []
    kind = KINDS.get(item.kind)
    for state in states:
        for entity in state.entities:
            words = value_words(item, entity.name, setting)
            if entity.name not in MODE_FIELDS and words is not None:
                named = kind is not None and entity.name == kind.named
                parts.append(words if named else f"{label(item.kind, entity.name)} {words}")
        if any(entity.name in MODE_FIELDS for entity in state.entities) and (bits := mode(item)):
            parts.append(f"mode {bits}")
    if not parts:
        return told(item, noun)
    return f"{subject(item, noun)}: {', '.join(dict.fromkeys(parts))}"


def unmet(item: Item, state: State, scope: Scope) -> list[Entity]:
    """The demands that the item may not meet: those that it meets for certain are left out."""
    if state.operator != "AND":
        return list(state.entities)
    return [entity for entity in state.entities if not _met(item, entity, scope)]


def _met(item: Item, entity: Entity, scope: Scope) -> bool:
    texts = item.all(entity.name)
    return len(texts) == 1 and satisfied(entity, scope.values(entity), texts[0]) is True


def reason(
    tested: EvaluatedTest, collected: CollectedObject | None, items: Iterable[Item | None]
) -> str | None:
    """Why nothing could be said of a test: the scanner's words, or what became of the search."""
    messages = [item.message for item in items if item is not None]
    for message in (tested.message, collected.message if collected else None, *messages):
        if message:
            return masked(message)
    if collected is not None:
        return f"collected: {collected.flag}" if collected.flag != "complete" else None
    if tested.result in ("error", "unknown"):
        return "nothing was collected, the scanner may lack the probe"
    return None


def setting_of(item: Item) -> str | None:
    """The name before the value in the line that was found, where it is plainly a name."""
    text, value = item.first("text"), item.first("subexpression")
    if not text or not value:
        return None
    before = text.rpartition(value)[0].split()
    return before[-1].rstrip("=:") or None if before and _NAME.fullmatch(before[-1]) else None


def _value_text(item: Item, value: ItemField, name: str | None) -> str:
    if value.status not in ("exists", "") and not value.text:
        return value.status
    text = value.text or ""
    if value.masked and not text:
        return "(not shown)"
    if value.masked or value.name in _HASH_FIELDS.get(item.kind, ()):
        return text if text in ("", "x", "*", "!", "!!", "!*") else MASK
    return _cut(masked_value(name, text)) or "(empty)"


def _name_of(item: Item, entity_name: str) -> str | None:
    """The setting that a value belongs to, where the item names it."""
    if entity_name in ("value", "value_of", "subexpression"):
        return item.first("name", "key", "xpath", "yamlpath", "property", "attribute_name")
    return entity_name


def _masked_field(item: Item, name: str) -> str | None:
    text = item_field(item, name)
    if text is None or name in ("mode", "differences", "file"):
        return text
    return value_words(item, name, None)


def _identifying(item: Item) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for name in dict.fromkeys(value.name for value in item.values):
        words = value_words(item, name, None)
        if words:
            fields.append((name, words))
    return fields[:8]


def _cut(text: str) -> str:
    one_line = " ".join(text.split()) if "\n" in text else text.strip()
    return one_line if len(one_line) <= _MAX_TEXT else one_line[: _MAX_TEXT - 1] + "…"
