"""What a content file has a scanner do: its check systems, its scripts, its remote references.

The whole file is read, to find everything that could make a scanner start a program or read beyond
the file.

Diagnostics: ScapError for a file that cannot be read as content.
"""

from typing import BinaryIO

from schemas.records import Struct, field
from stages.scap.xccdf_text import one_line
from stages.scap.xml_elements import Element, local
from stages.scap.xml_errors import ScapError
from stages.scap.xml_records import RecordLayout, XmlLimits, records

MAX_BYTES = 512 * 1024 * 1024
_LIMITS = XmlLimits(bytes=MAX_BYTES, seconds=120.0)
_LAYOUT = RecordLayout(
    roots=frozenset(("data-stream-collection", "Benchmark")),
    structure=frozenset(
        (
            *("data-stream-collection", "component", "data-stream", "Benchmark", "Group"),
            *("oval_definitions", "definitions", "tests", "objects", "states", "variables"),
        )
    ),
)
_HREF = "{http://www.w3.org/1999/xlink}href"
_DECLARATIVE = ("http://oval.mitre.org/", "http://scap.nist.gov/schema/ocil/")
"""The beginnings of check systems that only describe what to look at, and start no program."""
_MOST_VALUES = 100


class Inspection(Struct):
    """What was found."""

    identifiers: list[str] = field(default_factory=list)
    """The ids of datastreams and benchmarks, which name the product."""
    platforms: list[str] = field(default_factory=list)
    version: str | None = None
    profiles: int = 0
    is_datastream: bool = False
    """Not a plain XCCDF file, whose checks are in other files."""
    scripts: list[str] = field(default_factory=list)
    """Check systems that run programs, and components that hold scripts."""
    remote: list[str] = field(default_factory=list)
    """Addresses of parts that are not in the file."""


def inspect(stream: BinaryIO) -> Inspection:
    """Read content to its end. Raises ScapError."""
    found = Inspection()
    for parent, record in records(stream, _LAYOUT, _LIMITS):
        _add_record(found, parent, record)
        for element in record.iter("*"):
            _add_element(found, element)
    if not found.identifiers:
        raise ScapError("the file contains no benchmark")
    return found


def _add_record(found: Inspection, parent: Element, record: Element) -> None:
    kind = local(parent)
    if kind == "data-stream":
        found.is_datastream = True
        _add_new(found.identifiers, parent.get("id", ""))
    elif kind == "Benchmark":
        _add_new(found.identifiers, parent.get("id", ""))
        _add_part_of_benchmark(found, record)


def _add_part_of_benchmark(found: Inspection, record: Element) -> None:
    name = local(record)
    if name == "version":
        found.version = found.version or one_line(record.text)
    elif name == "platform":
        _add_new(found.platforms, record.get("idref", ""))
    elif name == "Profile":
        found.profiles += 1


def _add_element(found: Inspection, element: Element) -> None:
    name = local(element)
    system = element.get("system", "a check without a system")
    if name == "check" and not system.startswith(_DECLARATIVE):
        _add_new(found.scripts, system)
    elif name in ("extended-component", "script"):
        _add_new(found.scripts, f"the component {element.get('id', name)}")
    elif name == "component-ref":
        address = element.get(_HREF, "")
        if not address.startswith("#"):
            _add_new(found.remote, address)


def _add_new(values: list[str], value: str) -> None:
    is_new = value != "" and value not in values
    if is_new and len(values) < _MOST_VALUES:
        values.append(value)
