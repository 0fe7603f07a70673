"""OVAL elements to records. Unknown elements and attributes are left out; nothing here fails.

Source of the elements: the OVAL language 5.11, its definitions, results and system characteristics
schemas.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import filterfalse
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
    VariableCapture,
    Variables,
)
from stages.scap.xccdf_text import one_line
from stages.scap.xml_records import Element, local

_RESULTS = frozenset(get_args(ResultValue))
_NO_ENTITIES = frozenset(("notes", "Signature"))
_CRITERIA = frozenset(("criteria", "criterion", "extend_definition"))
_KEPT_ITEMS = 12
"""Per result: enough to show ten, and to know that there are more."""
_TRUE = frozenset(("true", "1"))
_FALSE = frozenset(("false", "0"))
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def read_result(text: str | None) -> ResultValue:
    if text in _RESULTS:
        return cast(ResultValue, text)
    return "unknown"


def read_test(element: Element) -> Test:
    target = None
    states = []
    for child in element:
        name = local(child)
        if name == "object" and target is None:
            target = child.get("object_ref", "")
        elif name == "state":
            states.append(child.get("state_ref", ""))
    return Test(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_test"),
        check=element.get("check", "all"),
        existence=element.get("check_existence", "at_least_one_exists"),
        operator=element.get("state_operator", "AND"),
        comment=one_line(element.get("comment")),
        object=target,
        states=tuple(states),
    )


def read_object(element: Element) -> Object:
    members: list[str] = []
    filters: list[Element] = []
    entities: list[Entity] = []
    recursive = ignores_case = is_one_text = False
    for child in element:
        name = local(child)
        if name == "behaviors":
            recursive = child.get("recurse_direction") == "down"
            ignores_case = _flag(child, "ignore_case")
            is_one_text = child.get("multiline") in _FALSE
        elif name == "set":
            members += [_text(member) for member in child.iter("{*}object_reference")]
            filters += child.iter("{*}filter")
        elif name == "filter":
            filters.append(child)
        elif name == "var_ref":
            entities.append(Entity(name, var_ref=_text(child)))
        elif name not in _NO_ENTITIES:
            entities.append(_entity(child, name))
    return Object(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_object"),
        entities=tuple(entities),
        members=tuple(members),
        included=tuple(map(_text, filter(_includes, filters))),
        excluded=tuple(map(_text, filterfalse(_includes, filters))),
        recursive=recursive,
        ignores_case=ignores_case,
        is_one_text=is_one_text,
        comment=one_line(element.get("comment")),
    )


def _includes(found: Element) -> bool:
    return found.get("action", "exclude") == "include"


def _text(element: Element) -> str:
    return (element.text or "").strip()


def read_state(element: Element) -> State:
    entities: list[Entity] = []
    for child in element:
        if local(child) not in _NO_ENTITIES:
            entities += [_entity(part, name) for name, part in _fields(child)]
    return State(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_state"),
        operator=element.get("operator", "AND"),
        entities=tuple(entities),
    )


def _fields(element: Element) -> Iterator[tuple[str, Element]]:
    """The fields of an element with their names: itself, or the fields of a record."""
    parts = [child for child in element if local(child) == "field"]
    if not parts:
        yield local(element), element
    for part in parts:
        name = part.get("name", "#")
        # A single value that is written as a record has the name `#`.
        if name == "#":
            name = local(element)
        yield name, part


def _entity(element: Element, name: str) -> Entity:
    return Entity(
        name=name,
        operation=element.get("operation", "equals"),
        value=element.text or "",
        datatype=element.get("datatype", "string"),
        var_ref=element.get("var_ref"),
        var_check=element.get("var_check", "all"),
        check=element.get("entity_check", "all"),
        masked=_flag(element, "mask"),
        nil=_flag(element, _NIL),
    )


def _flag(element: Element, name: str) -> bool:
    return element.get(name) in _TRUE


def read_evaluated_test(element: Element) -> EvaluatedTest:
    items: list[tuple[str, ResultValue]] = []
    counts: Counter[ResultValue] = Counter()
    for child in element.iterchildren("{*}tested_item"):
        result = read_result(child.get("result"))
        counts[result] += 1
        if counts[result] <= _KEPT_ITEMS:
            items.append((child.get("item_id", ""), result))
    return EvaluatedTest(
        id=element.get("test_id", ""),
        result=read_result(element.get("result")),
        items=tuple(items),
        counts=dict(counts),
        variables=_variables(element, "{*}tested_variable"),
        message=_message(element),
    )


def read_collected_object(element: Element) -> CollectedObject:
    return CollectedObject(
        flag=element.get("flag", "complete"),
        message=_message(element),
        variables=_variables(element, "{*}variable_value"),
    )


def _variables(element: Element, tag: str) -> Variables:
    """The values of each variable, one element per value."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for child in element.iterchildren(tag):
        values[child.get("variable_id", "")].append(child.text or "")
    return {name: tuple(texts) for name, texts in values.items()}


def _message(element: Element) -> str | None:
    """The first message of the scanner that is not empty."""
    for child in element.iterchildren("{*}message"):
        if message := one_line(child.text):
            return message
    return None


def read_item(element: Element) -> Item:
    fields = []
    for child in element:
        if local(child) == "message":
            continue
        for name, part in _fields(child):
            status = part.get("status", "exists")
            fields.append(ItemField(name, part.text or "", status, _flag(part, "mask")))
    return Item(
        kind=local(element).removesuffix("_item"),
        status=element.get("status", "exists"),
        fields=tuple(fields),
        message=_message(element),
    )


def read_capture(variable: Element) -> VariableCapture | None:
    """The capture that a variable consists of; None where it is computed in any other way."""
    if len(variable) != 1:
        return None
    component = variable[0]
    pattern = None
    if local(component) == "regex_capture" and len(component) == 1:
        pattern = component.get("pattern")
        component = component[0]
    if local(component) != "object_component":
        return None
    if component.get("item_field") != "subexpression":
        return None
    return VariableCapture(component.get("object_ref", ""), pattern)


def is_time_difference(variable: Element) -> bool:
    """Whether a variable is computed as the seconds between two times."""
    return len(variable) == 1 and local(variable[0]) == "time_difference"


def read_criteria(element: Element) -> CriteriaNode:
    """An evaluated criteria tree. The XML reader bounds its depth."""
    name = local(element)
    result = read_result(element.get("result"))
    negate = _flag(element, "negate")
    if name == "criterion":
        return CriteriaNode(result, negate, test=element.get("test_ref"))
    if name == "extend_definition":
        return CriteriaNode(result, negate, definition=element.get("definition_ref"))
    children = []
    for child in element:
        if local(child) in _CRITERIA:
            children.append(read_criteria(child))
    operator = element.get("operator", "AND")
    return CriteriaNode(result, negate, operator=operator, children=tuple(children))
