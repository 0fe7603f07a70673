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
from stages.scap.xml_elements import Element, local, text_of

_RESULTS = frozenset(get_args(ResultValue))
_NO_FIELDS = frozenset(("notes", "Signature", "behaviors", "set", "filter", "message"))
_CRITERIA = ("{*}criteria", "{*}criterion", "{*}extend_definition")
_CAPTURES = frozenset((("object_component",), ("regex_capture", "object_component")))
"""What a variable consists of whose value is captured from a line."""
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
    objects = references(element, "object", "object_ref")
    return Test(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_test"),
        check=element.get("check", "all"),
        existence=element.get("check_existence", "at_least_one_exists"),
        operator=element.get("state_operator", "AND"),
        comment=one_line(element.get("comment")),
        object=next(iter(objects), None),
        states=tuple(references(element, "state", "state_ref")),
    )


def references(element: Element, name: str, attribute: str) -> list[str]:
    """The ids that elements of this name refer to, at any depth."""
    return [found.get(attribute, "") for found in element.iter(f"{{*}}{name}")]


def read_object(element: Element) -> Object:
    behaviors: dict[str | bytes, str | bytes] = {}
    for found in element.iterchildren("{*}behaviors"):
        behaviors.update(found.attrib)
    filters = list(element.iter("{*}filter"))
    return Object(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_object"),
        entities=tuple(_entity(part, name) for name, part in _fields(element)),
        members=tuple(map(_text, element.iter("{*}object_reference"))),
        included=tuple(map(_text, filter(_includes, filters))),
        excluded=tuple(map(_text, filterfalse(_includes, filters))),
        recursive=behaviors.get("recurse_direction") == "down",
        ignores_case=behaviors.get("ignore_case") in _TRUE,
        is_one_text=behaviors.get("multiline") in _FALSE,
        comment=one_line(element.get("comment")),
    )


def _includes(found: Element) -> bool:
    return found.get("action", "exclude") == "include"


def _text(element: Element) -> str:
    return text_of(element).strip()


def read_state(element: Element) -> State:
    return State(
        id=element.get("id", ""),
        kind=local(element).removesuffix("_state"),
        operator=element.get("operator", "AND"),
        entities=tuple(_entity(part, name) for name, part in _fields(element)),
    )


def _fields(element: Element) -> Iterator[tuple[str, Element]]:
    """The fields of an object, a state or an item with their names; also those of a record."""
    for child in element:
        if local(child) in _NO_FIELDS:
            continue
        for part in child.findall("{*}field") or [child]:
            name = part.get("name", "#")
            # A single value that is written as a record has the name `#`.
            if name == "#":
                name = local(child)
            yield name, part


def _entity(element: Element, name: str) -> Entity:
    var_ref = element.get("var_ref")
    if name == "var_ref":
        var_ref = _text(element)
    return Entity(
        name=name,
        operation=element.get("operation", "equals"),
        value=text_of(element),
        datatype=element.get("datatype", "string"),
        var_ref=var_ref,
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
        values[child.get("variable_id", "")].append(text_of(child))
    return {name: tuple(texts) for name, texts in values.items()}


def _message(element: Element) -> str | None:
    """The first message of the scanner that is not empty."""
    texts = (one_line(child.text) for child in element.iterchildren("{*}message"))
    return next(filter(None, texts), None)


def read_item(element: Element) -> Item:
    fields = []
    for name, part in _fields(element):
        status = part.get("status", "exists")
        fields.append(ItemField(name, text_of(part), status, _flag(part, "mask")))
    return Item(
        kind=local(element).removesuffix("_item"),
        status=element.get("status", "exists"),
        fields=tuple(fields),
        message=_message(element),
    )


def read_capture(variable: Element) -> VariableCapture | None:
    """The capture that a variable consists of; None where it is computed in any other way."""
    components = list(variable.iterdescendants("*"))
    if tuple(map(local, components)) not in _CAPTURES:
        return None
    captured = components[-1]
    if captured.get("item_field") != "subexpression":
        return None
    return VariableCapture(captured.get("object_ref", ""), components[0].get("pattern"))


def is_time_difference(variable: Element) -> bool:
    """Whether a variable is computed as the seconds between two times."""
    return variable.find("{*}time_difference") is not None


def read_criteria(element: Element) -> CriteriaNode:
    """An evaluated criteria tree. The XML reader bounds its depth."""
    return CriteriaNode(
        result=read_result(element.get("result")),
        negate=_flag(element, "negate"),
        test=element.get("test_ref"),
        definition=element.get("definition_ref"),
        operator=element.get("operator", "AND"),
        children=tuple(map(read_criteria, element.iterchildren(*_CRITERIA))),
    )
