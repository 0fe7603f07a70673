"""Rules that would have searched paths which oscap was made to leave out.

oscap does not mark what it leaves out, so such a rule can pass without a search. The objects of the
checks are therefore read from the ARF and compared with the paths.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from stages.scanners.openscap.oval.searched_paths import SEARCHING, SearchedPath, searched_path
from stages.scanners.openscap.rule_references import LAYOUT, RuleReferences
from stages.scap.xml_elements import Element, local, text_of
from stages.scap.xml_records import XmlLimits, records


def rules_not_searched(
    arf: Callable[[], BinaryIO], limits: XmlLimits, left_out: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The rules that would search one of these paths, each with its paths. Raises ScapError."""
    references = RuleReferences()
    objects = _SearchingObjects()
    with arf() as stream:
        for parent, record in records(stream, LAYOUT, limits):
            references.add(parent, record)
            objects.add(parent, record)
    found: dict[str, tuple[str, ...]] = {}
    # In the order of the paths, so that each rule has its paths in this order, too.
    for path in left_out:
        rules = set[str]().union(*map(references.rules_of, objects.that_search(path)))
        for rule in rules:
            found[rule] = (*found.get(rule, ()), path)
    return found


class _SearchingObjects:
    """The objects that search paths, and the values of the variables in them."""

    def __init__(self) -> None:
        self._paths: dict[str, SearchedPath] = {}
        """By the id of the object."""
        self._values: defaultdict[str, list[str]] = defaultdict(list)
        """By the id of the variable: the values that oscap used, and constants."""

    def add(self, parent: Element, record: Element) -> None:
        identifier = record.get("id", "")
        if local(parent) == "collected_objects":
            for value in record.iterchildren("{*}variable_value"):
                self._values[value.get("variable_id", "")].append(text_of(value))
        elif local(record) == "constant_variable":
            self._values[identifier] += map(text_of, record.iterchildren("{*}value"))
        elif local(record) in SEARCHING:
            path = searched_path(record)
            if path is not None:
                self._paths[identifier] = path

    def that_search(self, left_out: str) -> Iterator[str]:
        """The ids of the objects that would search this path."""
        for name, path in self._paths.items():
            if path.touches(left_out, self._values):
                yield name
