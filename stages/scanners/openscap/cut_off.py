"""Rules whose objects are incomplete, because oscap stopped to collect items at one of its limits.

oscap marks such an object and goes on: what it did not look at violates nothing, so a rule can pass
by it. The results name the objects. The rules are found by following references backwards, from the
object to the variables, states, other objects and tests that use it, to their definitions, and to
the rules that these check. This takes a pass of its own, and hardly any scan needs it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scap.xml_records import Element, Limits, RecordLayout, local, records

_LAYOUT = RecordLayout(
    roots=frozenset(("asset-report-collection",)),
    structure=frozenset(
        (
            *("asset-report-collection", "reports", "report", "content", "TestResult"),
            *("oval_results", "oval_definitions"),
            *("definitions", "tests", "objects", "states", "variables"),
        )
    ),
    skipped=frozenset(
        (
            *("report-requests", "assets", "relationships", "extended-components"),
            *("results", "directives", "generator"),
        )
    ),
)
_REFERENCES = ("object_ref", "state_ref", "var_ref", "test_ref", "definition_ref")
_REFERENCE_ELEMENTS = frozenset(("object_reference", "var_ref"))
"""Members of a set, and the variable of a variable object, are named in their text."""


def cut_off_objects(all_results: Iterable[OvalResults]) -> dict[str, str]:
    """The objects that are incomplete, each with oscap's message."""
    found: dict[str, str] = {}
    for results in all_results:
        found |= results.cut_off_objects
    return found


def rules_cut_off(
    arf: Callable[[], BinaryIO], limits: Limits, objects: Mapping[str, str]
) -> dict[str, str]:
    """The rules that depend on one of these objects, each with oscap's message.

    Raises ScapError.
    """
    users: defaultdict[str, set[str]] = defaultdict(set)
    """OVAL id to the ids of what refers to it."""
    rules: defaultdict[str, set[str]] = defaultdict(set)
    """Definition to the rules that it checks."""
    with arf() as stream:
        for _, record in records(stream, _LAYOUT, limits):
            if local(record) == "rule-result":
                for reference in record.iter("{*}check-content-ref"):
                    rules[reference.get("name", "")].add(record.get("idref", ""))
            elif record.get("id"):
                for name in _references(record):
                    users[name].add(record.get("id", ""))
    found: dict[str, str] = {}
    for name, message in objects.items():
        for user in _all_users(name, users):
            found |= dict.fromkeys(rules.get(user, ()), message)
    return found


def _all_users(name: str, users: Mapping[str, set[str]]) -> set[str]:
    """Everything that refers to it, directly or by way of others."""
    found: set[str] = set()
    to_visit = [name]
    while to_visit:
        for user in users.get(to_visit.pop(), set()) - found:
            found.add(user)
            to_visit.append(user)
    return found


def _references(record: Element) -> Iterable[str]:
    for element in record.iter():
        for attribute in _REFERENCES:
            if name := element.get(attribute):
                yield name
        if isinstance(element.tag, str) and local(element) in _REFERENCE_ELEMENTS:
            yield (element.text or "").strip()
