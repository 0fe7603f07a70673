"""Collects from streamed OVAL results what explains the requested definitions, and drops the rest.

One pass over the file is enough because of its order. The definitions part comes first
(definitions, tests, objects, states, variables), then the results (definitions, tests), then what
was collected (collected objects, items). Each section names what is needed of a later one:

    definition -> test -> object, state -> variable -> object
                  test result -> item

The only reference backwards is from a variable to an object: objects come before variables. So an
object that no needed test names is held until the variables have been read, unless a test that is
not needed names it. The same applies to the members of a set. An example: the test of the umask has
an object `variable`, which names a local variable, whose value comes from an object that reads
/etc/profile. That object was read long before the variable, and is found among the held ones.

Records that are held or kept lose their parent in the streamed document, so that memory follows
what is needed.
"""

from collections.abc import Callable

from schemas.records import Struct
from stages.scanners.openscap.oval import oval_reader
from stages.scanners.openscap.oval.oval_model import Definition, Entity, Object, OvalResults, State
from stages.scanners.openscap.oval.oval_reader import references
from stages.scap.xccdf_text import one_line
from stages.scap.xml_elements import Element, text_of

RecordHandler = Callable[[Element], None]
_CUT_OFF = "Object is incomplete "
"""oscap's message goes on: `due to memory constraints.`, `because the object matches more than 100
items.`"""


class _DefinitionHeader(Struct, frozen=True):
    """A definition without its result, which comes later in the file."""

    definition_class: str
    title: str | None
    extends: tuple[str, ...]
    tests: tuple[str, ...]


_UNDEFINED = _DefinitionHeader("", None, (), ())


def ignore(record: Element) -> None:
    """The handler of records that nothing needs."""


class OvalCollector:
    """Collects one set of OVAL results. `requested` are definition ids; None requests all."""

    def __init__(self, requested: frozenset[str] | None) -> None:
        self.results = OvalResults()
        self._requested = requested
        self._headers: dict[str, _DefinitionHeader] = {}
        """Of all definitions; empty for a thin file, which has results only."""
        self._needed_definitions: set[str] = set()
        self._needed_tests: set[str] = set()
        self._needed_objects: set[str] = set()
        self._needed_states: set[str] = set()
        self._needed_items: set[str] = set()
        self._objects_of_other_tests: set[str] = set()
        """Not held: hardly any of them is the source of a variable as well."""
        self._held_objects: dict[str, Element] = {}
        self._held_variables: dict[str, Element] = {}

    def handler(self, section: str, *, in_definitions: bool) -> RecordHandler:
        """The handler of a section's records, once all sections before it have been read.

        `in_definitions` distinguishes the two sections called `definitions` (and `tests`): those of
        the definitions part and those of the results.
        """
        if self._requested == frozenset():
            return {"collected_objects": self._note_cut_off}.get(section, ignore)
        self._follow_definitions()
        if in_definitions:
            return {
                "definitions": self._on_definition,
                "tests": self._on_test,
                "objects": self._on_object,
                "states": self._on_state,
                "variables": self._on_variable,
            }.get(section, ignore)
        self._resolve_references()
        return {
            "definitions": self._on_definition_result,
            "tests": self._on_test_result,
            "collected_objects": self._on_collected_object,
            "system_data": self._on_item,
        }.get(section, ignore)

    def _on_definition(self, record: Element) -> None:
        self._headers[record.get("id", "")] = _DefinitionHeader(
            definition_class=record.get("class", ""),
            title=one_line(record.findtext("{*}metadata/{*}title")),
            extends=tuple(references(record, "extend_definition", "definition_ref")),
            tests=tuple(references(record, "criterion", "test_ref")),
        )

    def _follow_definitions(self) -> None:
        """Note the requested definitions, all that they extend, and the tests of these."""
        to_follow = set(self._headers)
        if self._requested is not None:
            to_follow &= self._requested
        while to_follow:
            self._needed_definitions |= to_follow
            extended: set[str] = set()
            for header in map(self._headers.__getitem__, to_follow):
                self._needed_tests.update(header.tests)
                extended.update(header.extends)
            to_follow = (extended & self._headers.keys()) - self._needed_definitions

    def _on_test(self, record: Element) -> None:
        if record.get("id") not in self._needed_tests:
            self._objects_of_other_tests.update(references(record, "object", "object_ref"))
            return
        test = oval_reader.read_test(record)
        self.results.tests[test.id] = test
        self._needed_states.update(test.states)
        self._needed_objects.update(references(record, "object", "object_ref"))

    def _on_object(self, record: Element) -> None:
        identifier = record.get("id", "")
        if identifier in self._needed_objects:
            self._keep_object(record)
        elif identifier not in self._objects_of_other_tests:
            self._held_objects[identifier] = record

    def _keep_object(self, record: Element) -> None:
        found = oval_reader.read_object(record)
        self.results.objects[found.id] = found
        self._needed_states.update(found.included, found.excluded)
        self._needed_objects.update(found.members)

    def _on_state(self, record: Element) -> None:
        if record.get("id") in self._needed_states:
            state = oval_reader.read_state(record)
            self.results.states[state.id] = state

    def _on_variable(self, record: Element) -> None:
        self._held_variables[record.get("id", "")] = record

    def _on_definition_result(self, record: Element) -> None:
        name = record.get("definition_id", "")
        if self._headers and name not in self._needed_definitions:
            return
        header = self._headers.get(name, _UNDEFINED)
        tree = None
        criteria = record.find("{*}criteria")
        if criteria is not None:
            tree = oval_reader.read_criteria(criteria)
        self.results.definitions[name] = Definition(
            id=name,
            definition_class=record.get("class", header.definition_class),
            title=header.title,
            result=oval_reader.read_result(record.get("result")),
            tree=tree,
        )

    def _on_test_result(self, record: Element) -> None:
        if record.get("test_id") in self._needed_tests:
            evaluated = oval_reader.read_evaluated_test(record)
            self.results.evaluated_tests[evaluated.id] = evaluated
            self._needed_items.update(item for item, _ in evaluated.items)

    def _note_cut_off(self, record: Element) -> None:
        """Note an object at which the scanner reached one of its limits, needed or not."""
        if record.get("flag") != "incomplete":
            return
        message = oval_reader.read_collected_object(record).message or ""
        if message.startswith(_CUT_OFF):
            self.results.cut_off_objects[record.get("id", "")] = message

    def _on_collected_object(self, record: Element) -> None:
        self._note_cut_off(record)
        identifier = record.get("id", "")
        if identifier in self._needed_objects:
            collected = oval_reader.read_collected_object(record)
            self.results.collected_objects[identifier] = collected

    def _on_item(self, record: Element) -> None:
        identifier = record.get("id", "")
        if identifier in self._needed_items:
            self.results.items[identifier] = oval_reader.read_item(record)

    def _resolve_references(self) -> None:
        """Keep the variables in use and the held objects that they need.

        All objects have been read by then, so those that are still held are never needed.
        """
        to_read = self._variables_in_use()
        while to_read:
            name = to_read.pop()
            element = self._held_variables.pop(name, None)
            if element is not None:
                to_read += self._keep_variable(name, element)
        self._held_variables = {}
        self._keep_needed_objects()
        self._held_objects = {}

    def _variables_in_use(self) -> list[str]:
        records: list[Object | State] = [*self.results.objects.values()]
        records += self.results.states.values()
        entities: list[Entity] = []
        for record in records:
            entities += record.entities
        return [entity.var_ref for entity in entities if entity.var_ref]

    def _keep_variable(self, name: str, element: Element) -> list[str]:
        """Record where a variable's values come from; returns the variables it is computed from."""
        results = self.results
        comment = one_line(element.get("comment"))
        if comment is not None:
            results.variable_comments[name] = comment
        values = [text_of(value) for value in element.iterchildren("{*}value")]
        results.constants[name] = tuple(values)
        capture = oval_reader.read_capture(element)
        if capture is not None:
            results.variable_captures[name] = capture
        if oval_reader.is_time_difference(element):
            results.time_differences.add(name)
        objects = references(element, "object_component", "object_ref")
        results.variable_objects[name] = tuple(dict.fromkeys(objects))
        self._needed_objects.update(objects)
        components = references(element, "variable_component", "var_ref")
        results.variable_components[name] = tuple(components)
        return components

    def _keep_needed_objects(self) -> None:
        """Keep the held objects that are needed, with the members of sets and of sets in them."""
        while needed := self._needed_objects & self._held_objects.keys():
            for name in sorted(needed):
                self._keep_object(self._held_objects.pop(name))
