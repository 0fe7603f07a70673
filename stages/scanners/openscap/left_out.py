"""Rules that would have looked at paths which oscap was made to leave out.

oscap does not mark what it leaves out: such a rule can pass without having looked. So the objects
of the checks are read from the ARF, and compared with the paths.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from stages.scanners.openscap.oval.searched_paths import SEARCHING, SearchedPath, searched_path
from stages.scanners.openscap.rule_references import LAYOUT, RuleReferences
from stages.scap.xml_records import Element, Limits, local, records


def rules_not_searched(
    arf: Callable[[], BinaryIO], limits: Limits, left_out: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The rules that touch one of these paths, each with the paths. Raises ScapError."""
    references = RuleReferences()
    searched: dict[str, SearchedPath] = {}
    values: defaultdict[str, list[str]] = defaultdict(list)
    with arf() as stream:
        for parent, record in records(stream, LAYOUT, limits):
            references.add(parent, record)
            if local(parent) == "objects" and local(record) in SEARCHING:
                path = searched_path(record)
                if path is not None:
                    searched[record.get("id", "")] = path
            else:
                _add_values(parent, record, values)
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name, touched in _touched(searched, values, left_out).items():
        for rule in references.rules_of(name):
            found[rule].update(dict.fromkeys(touched))
    return {
        rule: tuple(path for path in left_out if path in paths) for rule, paths in found.items()
    }


def _touched(
    searched: Mapping[str, SearchedPath],
    values: Mapping[str, Sequence[str]],
    left_out: Sequence[str],
) -> dict[str, list[str]]:
    """Objects to the paths that they would look at."""
    found: dict[str, list[str]] = {}
    for name, path in searched.items():
        touched = [each for each in left_out if path.touches(each, values)]
        if touched:
            found[name] = touched
    return found


def _add_values(parent: Element, record: Element, values: dict[str, list[str]]) -> None:
    """The values of variables: those that oscap used, and constants."""
    if local(parent) == "collected_objects":
        for value in record.iterchildren("{*}variable_value"):
            values[value.get("variable_id", "")].append(value.text or "")
    elif local(parent) == "variables" and local(record) == "constant_variable":
        for value in record.iterchildren("{*}value"):
            values[record.get("id", "")].append(value.text or "")
