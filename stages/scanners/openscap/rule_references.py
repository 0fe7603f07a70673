"""Which rules depend on an object.

The rules are found by following references backwards: from the object to the variables, states,
other objects and tests that use it, to their definitions, and to the rules that these check. This
takes a separate pass over the ARF, which hardly any scan needs.
"""

from collections import defaultdict
from collections.abc import Iterable

from stages.scap.xml_elements import Element, local, text_of
from stages.scap.xml_records import RecordLayout

LAYOUT = RecordLayout(
    roots=frozenset(("asset-report-collection",)),
    structure=frozenset(
        (
            *("asset-report-collection", "reports", "report", "content", "TestResult"),
            *("oval_results", "oval_definitions"),
            *("definitions", "tests", "objects", "states", "variables"),
            *("results", "system", "oval_system_characteristics", "collected_objects"),
        )
    ),
    skipped=frozenset(
        (
            *("report-requests", "assets", "relationships", "extended-components"),
            *("directives", "generator"),
            *("system/definitions", "system/tests", "oval_system_characteristics/system_data"),
        )
    ),
)
_REFERENCES = frozenset(("object_ref", "state_ref", "var_ref", "test_ref", "definition_ref"))
_REFERENCE_ELEMENTS = frozenset(("object_reference", "var_ref"))
"""Members of a set, and the variable of a variable object, are named in their text."""


class RuleReferences:
    """What refers to what, collected from the records of an ARF."""

    def __init__(self) -> None:
        self._users: defaultdict[str, set[str]] = defaultdict(set)
        """OVAL id to the ids of everything that refers to it."""
        self._rules: defaultdict[str, set[str]] = defaultdict(set)
        """Definition to the rules that it checks."""

    def add(self, parent: Element, record: Element) -> None:
        if local(record) == "rule-result":
            for reference in record.iter("{*}check-content-ref"):
                self._rules[reference.get("name", "")].add(record.get("idref", ""))
        elif local(parent) != "collected_objects" and record.get("id"):
            for name in _references(record):
                self._users[name].add(record.get("id", ""))

    def rules_of(self, name: str) -> set[str]:
        """The rules that depend on this OVAL id, directly or through others."""
        rules: set[str] = set()
        found: set[str] = set()
        to_visit = [name]
        while to_visit:
            # Without those that were visited: definitions may extend each other in a circle.
            for user in self._users.get(to_visit.pop(), set()) - found:
                found.add(user)
                to_visit.append(user)
                rules |= self._rules.get(user, set())
        return rules


def _references(record: Element) -> Iterable[str]:
    for element in record.iter():
        for attribute in _REFERENCES.intersection(element.keys()):
            yield element.get(attribute, "")
        if local(element) in _REFERENCE_ELEMENTS:
            yield text_of(element).strip()
