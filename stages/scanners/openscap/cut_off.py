"""Rules whose objects are incomplete, because oscap stopped collecting items at one of its limits.

oscap marks such an object and goes on: what it did not look at violates nothing, so a rule can pass
by it. The results name the objects.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.rule_references import LAYOUT, RuleReferences
from stages.scap.xml_records import XmlLimits, records


def cut_off_objects(all_results: Iterable[OvalResults]) -> dict[str, str]:
    """The objects that are incomplete, each with oscap's message."""
    found: dict[str, str] = {}
    for results in all_results:
        found |= results.cut_off_objects
    return found


def rules_cut_off(
    arf: Callable[[], BinaryIO], limits: XmlLimits, objects: Mapping[str, str]
) -> dict[str, str]:
    """The rules that depend on one of these objects, each with oscap's message.

    Raises ScapError.
    """
    references = RuleReferences()
    with arf() as stream:
        for parent, record in records(stream, LAYOUT, limits):
            references.add(parent, record)
    found: dict[str, str] = {}
    for name, message in objects.items():
        found |= dict.fromkeys(references.rules_of(name), message)
    return found
