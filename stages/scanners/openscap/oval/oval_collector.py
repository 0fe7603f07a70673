"""Picks out of streamed OVAL results what explains the definitions asked for, and lets the rest go by.

The file's order is what makes one pass enough: definitions, tests, objects, states, variables, then the results in
the same order, then what was collected. An object that only a variable or a set refers to may lie before its
reference; such objects are kept until the variables are known. What is kept is cut off from the file, which goes by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stages.scanners.openscap.oval import oval_reader
from stages.scanners.openscap.oval.oval_model import Definition, OvalResults
from stages.scap.xccdf_text import one_line
from stages.scap.xml_records import Element, local


@dataclass(frozen=True, slots=True)
class _Sketch:
    """What a definition says besides its result."""

    kind: str
    title: str | None
    extends: tuple[str, ...]
    tests: tuple[str, ...]


_NO_SKETCH = _Sketch("", None, (), ())


def _sketch(record: Element) -> _Sketch:
    title = record.find("{*}metadata/{*}title")
    trees = list(record.iterchildren("{*}criteria"))
    return _Sketch(
        record.get("class", ""),
        one_line(title.text) if title is not None else None,
        tuple(
            e.get("definition_ref", "") for tree in trees for e in tree.iter("{*}extend_definition")
        ),
        tuple(e.get("test_ref", "") for tree in trees for e in tree.iter("{*}criterion")),
    )


def _leave(record: Element) -> None:
    """Nothing was asked for."""


class Collector:
    """For one set of OVAL results. `wanted` are definition ids; None asks for all of them."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        self.findings = OvalResults()
        self._wanted = wanted
        self._idle = wanted is not None and not wanted
        self._held_definitions: dict[str, Element] = {}
        self._closed: dict[str, _Sketch] | None = None
        self._defined = False
        """Whether the file tells of definitions at all; results alone are taken as they are."""
        self._tests: set[str] = set()
        self._objects: set[str] = set()
        self._elsewhere: set[str] = set()
        """Objects of tests that are not wanted: hardly any of them is behind a variable as well."""
        self._states: set[str] = set()
        self._items: set[str] = set()
        self._held_objects: dict[str, Element] = {}
        self._held_variables: dict[str, Element] = {}
        self._linked = False

    def taker(self, section: str, *, defined: bool) -> Callable[[Element], None]:
        """For the records of a section; `defined` tells definitions from results where both have the same name."""
        if self._idle:
            return _leave
        return {
            "definitions": self._hold_definition if defined else self._result,
            "tests": self._test if defined else self._tested,
            "objects": self._object,
            "states": self._state,
            "variables": self._hold_variable,
            "collected_objects": self._collected,
            "system_data": self._item,
        }[section]

    def _object(self, record: Element) -> None:
        identifier = record.get("id", "")
        if identifier in self._objects:
            self._add_object(record)
        elif identifier not in self._elsewhere:
            self._held_objects[identifier] = record

    def _state(self, record: Element) -> None:
        if record.get("id") in self._states:
            self.findings.states[record.get("id", "")] = oval_reader.state(record)

    def _hold_variable(self, record: Element) -> None:
        self._held_variables[record.get("id", "")] = record

    def _item(self, record: Element) -> None:
        if record.get("id") in self._items:
            self.findings.items[record.get("id", "")] = oval_reader.item(record)

    def _hold_definition(self, record: Element) -> None:
        """Most are not asked for, and of those that others extend the criteria are enough."""
        identifier = record.get("id", "")
        asked_for = self._wanted is None or identifier in self._wanted
        if not asked_for and len(record) and local(record[0]) == "metadata":
            del record[0]
        self._held_definitions[identifier] = record

    def _close(self) -> Mapping[str, _Sketch]:
        """The wanted definitions with all that they extend; from here on their tests are known."""
        if self._closed is None:
            self._closed = {}
            self._defined = bool(self._held_definitions)
            action = list(self._held_definitions if self._wanted is None else self._wanted)
            while action:
                record = self._held_definitions.pop(action.pop(), None)
                if record is not None:
                    sketch = self._closed[record.get("id", "")] = _sketch(record)
                    self._tests.update(sketch.tests)
                    action += sketch.extends
            self._held_definitions = {}
        return self._closed

    def _test(self, record: Element) -> None:
        self._close()
        if record.get("id") in self._tests:
            test = oval_reader.test(record)
            self.findings.tests[test.id] = test
            self._states.update(test.states)
            if test.object:
                self._objects.add(test.object)
        else:
            for child in record:
                if found := child.get("object_ref"):
                    self._elsewhere.add(found)

    def _add_object(self, record: Element) -> None:
        found = oval_reader.object_(record)
        self.findings.objects[found.id] = found
        self._states.update(state for _, state in found.filters)
        self._objects.update(found.members)

    def _result(self, record: Element) -> None:
        self._link()
        name = record.get("definition_id", "")
        closed = self._close()
        if name not in closed and self._defined:
            return
        sketch = closed.get(name, _NO_SKETCH)
        trees = [child for child in record if local(child) == "criteria"]
        self.findings.definitions[name] = Definition(
            name,
            record.get("class") or sketch.kind,
            sketch.title,
            oval_reader.truth(record.get("result")),
            oval_reader.node(trees[0]) if trees else None,
        )

    def _tested(self, record: Element) -> None:
        self._link()
        if record.get("test_id") in self._tests:
            tested = oval_reader.tested(record)
            self.findings.tested[tested.id] = tested
            self._items.update(item for item, _ in tested.items)

    def _collected(self, record: Element) -> None:
        if record.get("id") in self._objects:
            self.findings.collected[record.get("id", "")] = oval_reader.collected(record)

    def _link(self) -> None:
        """Once the definitions are complete: the variables in use, the objects behind them, the members of sets."""
        if self._linked:
            return
        self._linked = True
        seen: set[str] = set()
        action = self._variables_in_use()
        while action:
            name = action.pop()
            if name in seen or name not in self._held_variables:
                continue
            seen.add(name)
            action += self._variable(name)
        self._held_variables = {}
        self._find_objects()
        self._held_objects = {}

    def _variables_in_use(self) -> list[str]:
        entities = [entity for found in self.findings.objects.values() for entity in found.entities]
        entities += [entity for found in self.findings.states.values() for entity in found.entities]
        return [entity.var_ref for entity in entities if entity.var_ref]

    def _variable(self, name: str) -> list[str]:
        """Notes where a variable's values come from; gives the variables that it is made of."""
        element = self._held_variables[name]
        findings = self.findings
        if comment := one_line(element.get("comment")):
            findings.comments[name] = comment
        if local(element) == "constant_variable":
            findings.constants[name] = tuple(
                value.text or "" for value in element if local(value) == "value"
            )
        parts = list(element.iter("{*}object_component"))
        objects = tuple(dict.fromkeys(part.get("object_ref", "") for part in parts))
        inner = [part.get("var_ref", "") for part in element.iter("{*}variable_component")]
        if objects:
            findings.sources[name] = objects
            if capture := oval_reader.capture(element):
                findings.captures[name] = capture
            self._objects.update(objects)
        if inner:
            findings.links[name] = tuple(inner)
        return inner

    def _find_objects(self) -> None:
        while missing := [name for name in self._objects if name in self._held_objects]:
            for name in missing:
                self._add_object(self._held_objects.pop(name))
