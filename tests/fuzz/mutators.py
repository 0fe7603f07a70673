"""Changes of the structure of XML and JSON, so that what is fuzzed stays well-formed.

Bytes changed at random end in the parser of the library, which is not what is looked for here: an
element that is twice, missing, elsewhere or of another name gets further.
"""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from lxml import etree

Mutate = Callable[[bytes, Callable[[bytes], bytes], random.Random], bytes]
"""An input, what changes bytes, and the source of chance; returns another input."""
Element = etree._Element
_CHANGES = 4


def mutated_xml(content: bytes, change: Callable[[bytes], bytes], chance: random.Random) -> bytes:
    """The document with up to four changes of its tree; other bytes where it is not XML."""
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError:
        return change(content)
    for _ in range(chance.randint(1, _CHANGES)):
        elements = [element for element in root.iter() if isinstance(element.tag, str)]
        _change_element(chance.choice(elements), chance.choice(elements), change, chance)
    return etree.tostring(root)


def _change_element(
    one: Element, other: Element, change: Callable[[bytes], bytes], chance: random.Random
) -> None:
    parent = one.getparent()
    operation = chance.randrange(7)
    if operation == 0 and parent is not None:
        parent.remove(one)
    elif operation == 1:
        one.append(deepcopy(other))
    elif operation == 2 and parent is not None:
        parent.replace(one, deepcopy(other))
    elif operation == 3:
        one.tag = other.tag
    elif operation == 4:
        one.text = _text(change((one.text or "").encode()))
    elif operation == 5 and other.attrib:
        name = chance.choice(sorted(map(str, other.attrib)))
        one.set(name, str(other.get(name)))
    elif one.attrib:
        name = chance.choice(sorted(map(str, one.attrib)))
        one.set(name, _text(change(str(one.get(name)).encode())))


def _text(content: bytes) -> str:
    """What XML can hold of it."""
    return "".join(c for c in content.decode(errors="ignore") if c.isprintable() or c in "\t\n")


def mutated_json(content: bytes, change: Callable[[bytes], bytes], chance: random.Random) -> bytes:
    """The document with up to four values replaced; other bytes where it is not JSON."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return change(content)
    for _ in range(chance.randint(1, _CHANGES)):
        places = list(_places(document))
        if not places:
            return change(content)
        holder, key = chance.choice(places)
        other_holder, other_key = chance.choice(places)
        holder[key] = chance.choice(
            [deepcopy(other_holder[other_key]), None, [], {}, -1, 1e300, True, "\ud800", ""]
        )
    return json.dumps(document).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document, as what holds it and its key there."""
    if isinstance(value, dict):
        for key, held in value.items():
            yield value, key
            yield from _places(held)
    elif isinstance(value, list):
        for at, held in enumerate(value):
            yield value, at
            yield from _places(held)
