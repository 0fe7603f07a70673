"""Picks out of streamed OVAL results what explains the definitions asked for, and lets the rest go by.

The file's order is what makes one pass enough: definitions, tests, objects, states, variables, then the results in
the same order, then what was collected. An object that only a variable or a set refers to may lie before its
reference; such objects are kept as bytes until the variables are known.
"""

from collections.abc import Callable, Iterable

from stages.parse.oval import reading
from stages.parse.oval.model import Definition, Findings
from stages.scap.text import one_line
from stages.scap.xml import Element, fragment, frozen, local


def _leave(record: Element) -> None:
    """Nothing was asked for."""


class Gatherer:
    """For one set of OVAL results. `wanted` are definition ids; None asks for all of them."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        self.findings = Findings()
        self._wanted = wanted
        self._idle = wanted is not None and not wanted
        self._definitions: dict[str, _Sketch] = {}
        self._closed: set[str] | None = None
        self._tests: set[str] = set()
        self._objects: set[str] = set()
        self._elsewhere: set[str] = set()
        """Objects of tests that are not wanted: hardly any of them is behind a variable as well."""
        self._states: set[str] = set()
        self._items: set[str] = set()
        self._held_objects: dict[str, bytes] = {}
        self._held_variables: dict[str, bytes] = {}
        self._linked = False

    def taker(self, section: str, *, defined: bool) -> Callable[[Element], None]:
        """For the records of a section; `defined` tells definitions from results where both have the same name."""
        if self._idle:
            return _leave
        return {
            "definitions": self._definition if defined else self._result,
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
            self._held_objects[identifier] = frozen(record)

    def _state(self, record: Element) -> None:
        if record.get("id") in self._states:
            self.findings.states[record.get("id", "")] = reading.state(record)

    def _hold_variable(self, record: Element) -> None:
        self._held_variables[record.get("id", "")] = frozen(record)

    def _item(self, record: Element) -> None:
        if record.get("id") in self._items:
            self.findings.items[record.get("id", "")] = reading.item(record)

    def _definition(self, record: Element) -> None:
        identifier = record.get("id", "")
        asked_for = self._wanted is None or identifier in self._wanted
        title = record.find("{*}metadata/{*}title") if asked_for else None
        extends, tests = [], []
        trees = record.iterchildren("{*}criteria")
        for element in (leaf for tree in trees for leaf in tree.iter("{*}criterion", "{*}extend_definition")):
            if local(element) == "criterion":
                tests.append(element.get("test_ref", ""))
            else:
                extends.append(element.get("definition_ref", ""))
        text = one_line(title.text) if title is not None else None
        self._definitions[identifier] = _Sketch(record.get("class", ""), text, extends, tests)

    def _close(self) -> set[str]:
        """The wanted definitions with all that they extend; from here on their tests are known."""
        if self._closed is None:
            self._closed = set()
            todo = list(self._definitions if self._wanted is None else self._wanted)
            while todo:
                name = todo.pop()
                sketch = self._definitions.get(name)
                if sketch is None or name in self._closed:
                    continue
                self._closed.add(name)
                self._tests.update(sketch.tests)
                todo += sketch.extends
        return self._closed

    def _test(self, record: Element) -> None:
        self._close()
        if record.get("id") in self._tests:
            test = reading.test(record)
            self.findings.tests[test.id] = test
            self._states.update(test.states)
            if test.object:
                self._objects.add(test.object)
        else:
            for child in record:
                if found := child.get("object_ref"):
                    self._elsewhere.add(found)

    def _add_object(self, record: Element) -> None:
        found = reading.object_(record)
        self.findings.objects[found.id] = found
        self._states.update(state for _, state in found.filters)
        self._objects.update(found.members)

    def _result(self, record: Element) -> None:
        self._link()
        name = record.get("definition_id", "")
        if name not in self._close() and self._definitions:
            return
        sketch = self._definitions.get(name, _NO_SKETCH)
        trees = [child for child in record if local(child) == "criteria"]
        self.findings.definitions[name] = Definition(
            name,
            record.get("class") or sketch.kind,
            sketch.title,
            reading.truth(record.get("result")),
            reading.node(trees[0]) if trees else None,
        )

    def _tested(self, record: Element) -> None:
        self._link()
        if record.get("test_id") in self._tests:
            tested = reading.tested(record)
            self.findings.tested[tested.id] = tested
            self._items.update(item for item, _ in tested.items)

    def _collected(self, record: Element) -> None:
        if record.get("id") in self._objects:
            self.findings.collected[record.get("id", "")] = reading.collected(record)

    def _link(self) -> None:
        """Once the definitions are complete: the variables in use, the objects behind them, the members of sets."""
        if self._linked:
            return
        self._linked = True
        seen: set[str] = set()
        todo = self._variables_in_use()
        while todo:
            name = todo.pop()
            if name in seen or name not in self._held_variables:
                continue
            seen.add(name)
            todo += self._variable(name)
        self._held_variables = {}
        self._find_objects()
        self._held_objects = {}

    def _variables_in_use(self) -> list[str]:
        entities = [entity for found in self.findings.objects.values() for entity in found.entities]
        entities += [entity for found in self.findings.states.values() for entity in found.entities]
        return [entity.var_ref for entity in entities if entity.var_ref]

    def _variable(self, name: str) -> list[str]:
        """Notes where a variable's values come from; gives the variables that it is made of."""
        element = fragment(self._held_variables[name])
        findings = self.findings
        if comment := one_line(element.get("comment")):
            findings.comments[name] = comment
        if local(element) == "constant_variable":
            findings.constants[name] = tuple(value.text or "" for value in element if local(value) == "value")
        parts = list(element.iter("{*}object_component"))
        objects = tuple(dict.fromkeys(part.get("object_ref", "") for part in parts))
        inner = [part.get("var_ref", "") for part in element.iter("{*}variable_component")]
        if objects:
            findings.sources[name] = objects
            self._objects.update(objects)
        if inner:
            findings.links[name] = tuple(inner)
        return inner

    def _find_objects(self) -> None:
        while missing := [name for name in self._objects if name in self._held_objects]:
            for name in missing:
                self._add_object(fragment(self._held_objects.pop(name)))


class _Sketch:
    __slots__ = ("extends", "kind", "tests", "title")

    def __init__(self, kind: str, title: str | None, extends: Iterable[str], tests: Iterable[str]) -> None:
        self.kind, self.title, self.extends, self.tests = kind, title, tuple(extends), tuple(tests)


_NO_SKETCH = _Sketch("", None, (), ())
