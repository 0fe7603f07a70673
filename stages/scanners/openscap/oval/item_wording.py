"""Items in plain text: what the scanner found on the host, with secrets masked. Pure."""

import re
from collections.abc import Iterable, Sequence

from stages.scanners.openscap.oval.entity_comparison import satisfies
from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.file_modes import MODE_FIELDS, octal_mode
from stages.scanners.openscap.oval.kind_templates import by_fields, fill, item_text
from stages.scanners.openscap.oval.kinds import KINDS, label
from stages.scanners.openscap.oval.object_wording import TEXT_KINDS
from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    Entity,
    EvaluatedTest,
    Item,
    ItemField,
    State,
)
from stages.scanners.openscap.oval.readable_values import readable_value
from stages.scanners.secrets import MASK, masked, masked_line, masked_value

_SHOWN_ITEMS = 10
_SHOWN_VALUES = 10
_SHOWN_FIELDS = 8
_MAX_TEXT = 300
_SETTING_NAME = re.compile(r"[A-Za-z][\w.-]{0,60}[=:]?")
_HASH_FIELDS = {"password": ("password",), "shadow": ("password",)}
_NO_HASH = frozenset(("", "x", "*", "!", "!!", "!*"))
"""What a password field holds where it holds no hash."""
_VALUE_FIELDS = frozenset(("value", "value_of", "subexpression"))
_NAMING_FIELDS = ("name", "key", "xpath", "yamlpath", "property", "attribute_name")
_NEVER_SECRET = frozenset(("mode", "differences", "file"))


def listed_items(texts: Sequence[str], total: int) -> str:
    """The first ten items, and how many there are."""
    listed = "; ".join(list(dict.fromkeys(texts))[:_SHOWN_ITEMS])
    if total > _SHOWN_ITEMS:
        listed += f" (and {total - _SHOWN_ITEMS} more, {total} in total)"
    return listed


def subject(item: Item, description: str) -> str:
    """What the item is: a file, a package, a parameter.

    An item of a variable holds nothing but a value: it is what was looked for, the `description`.
    """
    if item.kind == "variable":
        return description
    text = None
    if kind := KINDS.get(item.kind):
        text = fill(kind.subject, lambda name: _masked_text(item, name))
    if text:
        return masked(text)
    return by_fields(item.kind, _shown_fields(item))


def with_detail(item: Item, description: str) -> str:
    """The item with its content: `/etc/x: mode 0644, owner 0`."""
    content = _content(item, description)
    if not content:
        return subject(item, description)
    return f"{subject(item, description)}: {content}"


def with_expected_fields(
    item: Item, states: Iterable[State], setting: str | None, description: str
) -> str:
    """The item with those of its fields that the states expect to have a value."""
    if item.kind in TEXT_KINDS:
        return with_detail(item, description)
    parts: list[str] = []
    for state in states:
        parts += _expected_fields(item, state, setting)
    if not parts:
        return with_detail(item, description)
    return f"{subject(item, description)}: {', '.join(dict.fromkeys(parts))}"


def _expected_fields(item: Item, state: State, setting: str | None) -> list[str]:
    parts = []
    kind = KINDS.get(item.kind)
    subject_field = kind.subject_field if kind else None
    for entity in state.entities:
        text = field_text(item, entity.name, setting)
        if text is None or entity.name in MODE_FIELDS:
            continue
        if entity.name != subject_field:
            text = f"{label(item.kind, entity.name)} {text}"
        parts.append(text)
    mode_is_expected = any(entity.name in MODE_FIELDS for entity in state.entities)
    if mode_is_expected and (mode := octal_mode(item)):
        parts.append(f"mode {mode}")
    return parts


def lines_of_file(items: Iterable[Item], path: str) -> list[str]:
    """The lines that were found in a file, for whichever test; secrets masked."""
    of_file = [
        item for item in items if item.kind in TEXT_KINDS and item_text(item, "file") == path
    ]
    return [line for line in map(_line, of_file) if line]


def variable_setting(description: str) -> str:
    """The setting at the end of a variable's description; it shows whether it is a secret."""
    return description.rpartition(": ")[2]


def field_text(item: Item, name: str, setting: str | None) -> str | None:
    """The values of a field; None where the item has none of this name.

    `setting` names the setting that the value belongs to, where that is known from elsewhere.
    """
    fields = [field for field in item.fields if field.name == name]
    if not fields:
        return None
    if item.kind in TEXT_KINDS and name in ("text", "line"):
        return _line(item)
    setting_name = _setting_of_field(item, name, setting)
    texts = [_value_text(item, field, setting_name) for field in fields]
    listed = ", ".join(texts[:_SHOWN_VALUES])
    hidden = len(texts) - _SHOWN_VALUES
    if hidden > 0:
        listed += f" and {hidden} more"
    return listed


def _setting_of_field(item: Item, name: str, setting: str | None) -> str | None:
    """The name that decides whether a field's value is a secret."""
    if name == "subexpression":
        return setting or setting_in_line(item)
    if item.kind == "variable":
        return setting
    if name in _VALUE_FIELDS:
        return item.first(*_NAMING_FIELDS)
    return name


def unmet_entities(item: Item, state: State, scope: EvaluationScope) -> list[Entity]:
    """The entities of a state that the item may not satisfy, as far as can be determined."""
    if state.operator != "AND":
        return list(state.entities)
    return [entity for entity in state.entities if not _is_met(item, entity, scope)]


def _is_met(item: Item, entity: Entity, scope: EvaluationScope) -> bool:
    texts = item.all(entity.name)
    if len(texts) != 1:
        return False
    return satisfies(texts[0], entity, scope.values(entity)) is True


def reason_of_error(
    evaluated: EvaluatedTest, collected: CollectedObject | None, items: Iterable[Item | None]
) -> str | None:
    """Why a test could not be evaluated: a message of the scanner, or the state of the search."""
    messages = [evaluated.message]
    if collected is not None:
        messages.append(collected.message)
    messages += [item.message for item in items if item is not None]
    for message in filter(None, messages):
        return masked(message)
    if collected is None and evaluated.result in ("error", "unknown"):
        return "nothing was collected, the scanner may lack the probe"
    if collected is None or collected.flag == "complete":
        return None
    return f"collected: {collected.flag}"


def setting_in_line(item: Item) -> str | None:
    """The word before the value in the line that was found, where it is clearly a name."""
    text, value = item.first("text"), item.first("subexpression")
    if not text or not value:
        return None
    before = text.rpartition(value)[0].split()
    if not before or not _SETTING_NAME.fullmatch(before[-1]):
        return None
    return before[-1].rstrip("=:")


def _content(item: Item, description: str) -> str | None:
    """The content of an item of which no field was expected to have a value."""
    if item.kind == "variable":
        return field_text(item, "value", variable_setting(description))
    if item.kind in TEXT_KINDS:
        return _line(item)
    kind = KINDS.get(item.kind)
    if kind is None or not kind.detail:
        return None
    return fill(kind.detail, lambda name: _masked_text(item, name))


def _line(item: Item) -> str | None:
    """The line that was found in a file."""
    text = item.first("text", "subexpression")
    if text is None:
        return None
    return _shortened(masked_line(text))


def _value_text(item: Item, field: ItemField, setting: str | None) -> str:
    text = field.text or ""
    if not text and field.status not in ("exists", ""):
        return field.status
    if not text and field.masked:
        return "(not shown)"
    if field.masked or field.name in _HASH_FIELDS.get(item.kind, ()):
        return _without_hash(text)
    text = readable_value(item.kind, field.name, text)
    return _shortened(masked_value(setting, text)) or "(empty)"


def _without_hash(text: str) -> str:
    if text in _NO_HASH:
        return text
    return MASK


def _masked_text(item: Item, name: str) -> str | None:
    if name in _NEVER_SECRET:
        return item_text(item, name)
    if item_text(item, name) is None:
        return None
    return field_text(item, name, None)


def _shown_fields(item: Item) -> list[tuple[str, str]]:
    """The first fields that have a value, for an item of an unknown kind."""
    names = dict.fromkeys(field.name for field in item.fields)
    texts = [(name, field_text(item, name, None)) for name in names]
    return [(name, text) for name, text in texts if text][:_SHOWN_FIELDS]


def _shortened(text: str) -> str:
    text = text.strip()
    if "\n" in text:
        text = " ".join(text.split())
    if len(text) > _MAX_TEXT:
        return text[: _MAX_TEXT - 1] + "…"
    return text
