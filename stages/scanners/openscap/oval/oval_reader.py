"""OVAL elements to the model. Unknown elements and attributes are left out; nothing here fails."""

from collections import Counter
from typing import cast, get_args

from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    CriteriaNode,
    Entity,
    EvaluatedTest,
    Item,
    ItemField,
    Object,
    ResultValue,
    State,
    Test,
)
from stages.scap.xccdf_text import one_line
from stages.scap.xml_records import Element, local

_TRUTHS = frozenset(get_args(ResultValue))
_KEPT_ITEMS = 12
"""Of each result; enough to show ten and to know that there are more."""


def truth(word: str | None) -> ResultValue:
    return cast(ResultValue, word) if word in _TRUTHS else "unknown"


def flag(element: Element, name: str) -> bool:
    return element.get(name) in ("true", "1")


def test(element: Element) -> Test:
    references: dict[str, list[str]] = {"object": [], "state": []}
    for child in element:
        name = local(child)
        if name in references:
            references[name].append(child.get(f"{name}_ref", ""))
    return Test(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_test"),
        check=element.get("check", "all"),
        existence=element.get("check_existence", "at_least_one_exists"),
        operator=element.get("state_operator", "AND"),
        comment=one_line(element.get("comment")),
        object=next(iter(references["object"]), None),
        states=tuple(references["state"]),
    )


def object_(element: Element) -> Object:
    members: list[str] = []
    filters: list[tuple[str, str]] = []
    entities: list[Entity] = []
    below = False
    for child in element:
        name = local(child)
        if name == "behaviors":
            below = child.get("recurse_direction") == "down"
        elif name == "set":
            _read_set(child, members, filters)
        elif name == "filter":
            filters.append((child.get("action", "exclude"), (child.text or "").strip()))
        elif name == "var_ref":
            entities.append(Entity(name, value=None, var_ref=(child.text or "").strip()))
        elif name not in ("notes", "Signature"):
            entities.append(_entity(child))
    return Object(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_object"),
        entities=tuple(entities),
        members=tuple(members),
        filters=tuple(filters),
        below=below,
        comment=one_line(element.get("comment")),
    )


def _read_set(element: Element, members: list[str], filters: list[tuple[str, str]]) -> None:
    for child in element.iter():
        name = local(child)
        if name == "object_reference":
            members.append((child.text or "").strip())
        elif name == "filter":
            filters.append((child.get("action", "exclude"), (child.text or "").strip()))


def state(element: Element) -> State:
    return State(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_state"),
        operator=element.get("operator", "AND"),
        entities=tuple(
            entity
            for child in element
            if local(child) not in ("notes", "Signature")
            for entity in _state_entities(child)
        ),
    )


def _state_entities(element: Element) -> list[Entity]:
    """A record's fields are told by their own names."""
    fields = [child for child in element if local(child) == "field"]
    return [_entity(child, _field_name(child, element)) for child in fields] or [_entity(element)]


def _field_name(field: Element, record: Element) -> str:
    """`#` is how a single value is written as a record."""
    name = field.get("name", "#")
    return local(record) if name == "#" else name


def _entity(element: Element, name: str | None = None) -> Entity:
    var_ref = element.get("var_ref")
    return Entity(
        name=name or local(element),
        operation=element.get("operation", "equals"),
        value=None if var_ref else element.text or "",
        datatype=element.get("datatype", "string"),
        var_ref=var_ref,
        var_check=element.get("var_check", "all"),
        check=element.get("entity_check", "all"),
        masked=flag(element, "mask"),
        nil=element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") in ("true", "1"),
    )


def tested(element: Element) -> EvaluatedTest:
    kept: list[tuple[str, ResultValue]] = []
    counts: Counter[ResultValue] = Counter()
    variables: dict[str, list[str]] = {}
    message = None
    for child in element:
        name = local(child)
        if name == "tested_item":
            result = truth(child.get("result"))
            counts[result] += 1
            if counts[result] <= _KEPT_ITEMS:
                kept.append((child.get("item_id", ""), result))
        elif name == "tested_variable":
            variables.setdefault(child.get("variable_id", ""), []).append(child.text or "")
        elif name == "message":
            message = message or one_line(child.text)
    return EvaluatedTest(
        id=element.get("test_id", ""),
        result=truth(element.get("result")),
        items=tuple(kept),
        counts=dict(counts),
        variables={name: tuple(values) for name, values in variables.items()},
        message=message,
    )


def collected(element: Element) -> CollectedObject:
    variables: dict[str, list[str]] = {}
    message = None
    for child in element:
        name = local(child)
        if name == "variable_value":
            variables.setdefault(child.get("variable_id", ""), []).append(child.text or "")
        elif name == "message":
            message = message or one_line(child.text)
    return CollectedObject(
        element.get("flag", "complete"),
        message,
        {name: tuple(values) for name, values in variables.items()},
    )


def item(element: Element) -> Item:
    values = []
    message = None
    for child in element:
        name = local(child)
        if name == "message":
            message = message or one_line(child.text)
            continue
        fields = [(_field_name(part, child), part) for part in child if local(part) == "field"]
        for label, part in fields or [(name, child)]:
            values.append(
                ItemField(label, part.text, part.get("status", "exists"), flag(part, "mask"))
            )
    return Item(
        local(element).removesuffix("_item"),
        element.get("status", "exists"),
        tuple(values),
        message,
    )


def capture(variable: Element) -> tuple[str, str | None] | None:
    """The object whose value a variable is, and the pattern that takes a part of it; None for all other functions."""
    part = variable[0] if len(variable) == 1 else None
    pattern = None
    if part is not None and local(part) == "regex_capture" and len(part) == 1:
        pattern, part = part.get("pattern"), part[0]
    if (
        part is None
        or local(part) != "object_component"
        or part.get("item_field") != "subexpression"
    ):
        return None
    return part.get("object_ref", ""), pattern


def node(element: Element) -> CriteriaNode:
    """A criteria tree of the results; the reader bounds its depth."""
    name = local(element)
    result, negate = truth(element.get("result")), flag(element, "negate")
    if name == "criterion":
        return CriteriaNode(result, negate, test=element.get("test_ref"))
    if name == "extend_definition":
        return CriteriaNode(result, negate, definition=element.get("definition_ref"))
    return CriteriaNode(
        result,
        negate,
        operator=element.get("operator", "AND"),
        children=tuple(
            node(child)
            for child in element
            if local(child) in ("criteria", "criterion", "extend_definition")
        ),
    )
