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

from collections.abc import Callable, Mapping

from schemas.records import Struct
from stages.scanners.openscap.oval import oval_reader
from stages.scanners.openscap.oval.oval_model import Definition, Entity, OvalResults
from stages.scap.xccdf_text import one_line
from stages.scap.xml_records import Element, local

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
        self._nothing_requested = requested is not None and not requested
        self._held_definitions: dict[str, Element] = {}
        self._headers: dict[str, _DefinitionHeader] | None = None
        """None until the first test: then all definitions have been read."""
        self._has_definitions = False
        """False for a thin file, which has results only: they are kept without definitions."""
        self._needed_tests: set[str] = set()
        self._needed_objects: set[str] = set()
        self._needed_states: set[str] = set()
        self._needed_items: set[str] = set()
        self._objects_of_other_tests: set[str] = set()
        """Not held: hardly any of them is the source of a variable as well."""
        self._held_objects: dict[str, Element] = {}
        self._held_variables: dict[str, Element] = {}
        self._references_resolved = False

    def handler(self, section: str, *, in_definitions: bool) -> RecordHandler:
        """The handler of a section's records.

        `in_definitions` distinguishes the two sections called `definitions` (and `tests`): those of
        the definitions part and those of the results.
        """
        if section == "collected_objects" and self._nothing_requested:
            return self._note_cut_off
        if self._nothing_requested:
            return ignore
        handlers = {
            "objects": self._on_object,
            "states": self._on_state,
            "variables": self._on_variable,
            "collected_objects": self._on_collected_object,
            "system_data": self._on_item,
            "definitions": self._on_definition_result,
            "tests": self._on_test_result,
        }
        if in_definitions:
            handlers |= {"definitions": self._on_definition, "tests": self._on_test}
        return handlers[section]

    def _on_definition(self, record: Element) -> None:
        identifier = record.get("id", "")
        requested = self._requested is None or identifier in self._requested
        # A definition that is needed only because another extends it needs no metadata.
        if not requested and len(record) and local(record[0]) == "metadata":
            del record[0]
        self._held_definitions[identifier] = record

    def _definition_headers(self) -> Mapping[str, _DefinitionHeader]:
        """The requested definitions with all that they extend; called once all have been read."""
        if self._headers is not None:
            return self._headers
        self._headers = {}
        self._has_definitions = bool(self._held_definitions)
        to_read = list(self._held_definitions)
        if self._requested is not None:
            to_read = list(self._requested)
        while to_read:
            record = self._held_definitions.pop(to_read.pop(), None)
            if record is None:
                continue
            header = _read_header(record)
            self._headers[record.get("id", "")] = header
            self._needed_tests.update(header.tests)
            to_read += header.extends
        self._held_definitions = {}
        return self._headers

    def _on_test(self, record: Element) -> None:
        self._definition_headers()
        if record.get("id") not in self._needed_tests:
            references = [child.get("object_ref") for child in record]
            self._objects_of_other_tests.update(filter(None, references))
            return
        test = oval_reader.read_test(record)
        self.results.tests[test.id] = test
        self._needed_states.update(test.states)
        if test.object:
            self._needed_objects.add(test.object)

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
        self._resolve_references()
        name = record.get("definition_id", "")
        headers = self._definition_headers()
        if name not in headers and self._has_definitions:
            return
        header = headers.get(name, _UNDEFINED)
        tree = None
        criteria = record.find("{*}criteria")
        if criteria is not None:
            tree = oval_reader.read_criteria(criteria)
        self.results.definitions[name] = Definition(
            id=name,
            definition_class=record.get("class") or header.definition_class,
            title=header.title,
            result=oval_reader.read_result(record.get("result")),
            tree=tree,
        )

    def _on_test_result(self, record: Element) -> None:
        self._resolve_references()
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
        """Keep the variables in use and the held objects that they need; done once, after the
        definitions part.

        All objects have been read by then, so those that are still held are never needed.
        """
        if self._references_resolved:
            return
        self._references_resolved = True
        seen: set[str] = set()
        to_read = self._variables_in_use()
        while to_read:
            name = to_read.pop()
            if name not in seen and name in self._held_variables:
                seen.add(name)
                to_read += self._keep_variable(name, self._held_variables[name])
        self._held_variables = {}
        self._keep_needed_objects()
        self._held_objects = {}

    def _variables_in_use(self) -> list[str]:
        entities: list[Entity] = []
        for found in self.results.objects.values():
            entities += found.entities
        for state in self.results.states.values():
            entities += state.entities
        return [entity.var_ref for entity in entities if entity.var_ref]

    def _keep_variable(self, name: str, element: Element) -> list[str]:
        """Record where a variable's values come from; returns the variables it is computed from."""
        results = self.results
        comment = one_line(element.get("comment"))
        if comment is not None:
            results.variable_comments[name] = comment
        if local(element) == "constant_variable":
            values = [value.text or "" for value in element.iterchildren("{*}value")]
            results.constants[name] = tuple(values)
        capture = oval_reader.read_capture(element)
        if capture is not None:
            results.variable_captures[name] = capture
        if oval_reader.is_time_difference(element):
            results.time_differences.add(name)
        objects = _references(element, "object_component", "object_ref")
        results.variable_objects[name] = tuple(dict.fromkeys(objects))
        self._needed_objects.update(objects)
        components = _references(element, "variable_component", "var_ref")
        results.variable_components[name] = tuple(components)
        return components

    def _keep_needed_objects(self) -> None:
        """Keep the held objects that are needed, with the members of sets and of sets in them."""
        while needed := self._needed_objects & self._held_objects.keys():
            for name in sorted(needed):
                self._keep_object(self._held_objects.pop(name))


def _read_header(record: Element) -> _DefinitionHeader:
    definition_class = record.get("class", "")
    title = record.findtext("{*}metadata/{*}title")
    tree = record.find("{*}criteria")
    if tree is None:
        return _DefinitionHeader(definition_class, one_line(title), (), ())
    return _DefinitionHeader(
        definition_class=definition_class,
        title=one_line(title),
        extends=tuple(_references(tree, "extend_definition", "definition_ref")),
        tests=tuple(_references(tree, "criterion", "test_ref")),
    )


def _references(element: Element, name: str, attribute: str) -> list[str]:
    return [found.get(attribute, "") for found in element.iter(f"{{*}}{name}")]
