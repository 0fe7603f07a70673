"""The profiles that a file of content offers, read without starting a scanner.

Only the head of each benchmark is read: its profiles come before its rules. All of it is read once, by whoever wants
to know how many rules a profile selects. Source datastreams (SCAP 1.2 and 1.3,
with one benchmark or several) and plain XCCDF files (1.1 and 1.2) are both read.

Diagnostics: ScapError for a file that can't be read as content, OSError for one that can't be opened.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.capabilities import ProfileInfo
from schemas.codec import SchemaError, convert, plain, replace
from schemas.records import Record as Frozen
from stages.scap.rule_counts import rule_counts
from stages.scap.xccdf_text import one_line, profile_title, readable
from stages.scap.xml_records import Element, Limits, RecordLayout, ScapError, local, records

_LIMITS = Limits(bytes=1024 * 1024 * 1024, seconds=60.0)
_LAYOUT = RecordLayout(
    roots=frozenset(("data-stream-collection", "Benchmark")),
    structure=frozenset(
        ("data-stream-collection", "component", "data-stream", "Benchmark", "Group")
    ),
    skipped=frozenset(("extended-component",)),
)


class Datastream(Frozen, frozen=True, kw_only=True):
    """One file of content: of several benchmarks, the first names the file and all give their profiles."""

    path: str
    benchmark: str
    title: str | None = None
    version: str | None = None
    platforms: tuple[str, ...] = ()
    """CPE names of the systems that the benchmark is for."""
    profiles: tuple[ProfileInfo, ...] = ()
    selected: Mapping[str, int] | None = None
    """Profile id to the number of rules that it selects; None where nobody has counted them yet."""


class ProfileCache:
    """Content read before, by path; a file is read again when its size or its time of change differs."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        """`kept` is what `dump` gave; entries that are none are left out."""
        self._entries: dict[str, tuple[list[int], Datastream]] = {}
        for path, entry in kept.items():
            try:
                stamp = convert(entry["stamp"], list[int])
                self._entries[path] = (stamp, convert(entry["datastream"], Datastream))
            except (SchemaError, KeyError, TypeError):
                continue

    def get(self, path: Path) -> Datastream:
        """The content of the file. Raises ScapError, OSError."""
        found = path.stat()
        stamp = [found.st_size, found.st_mtime_ns]
        entry = self._entries.get(str(path))
        if entry is None or entry[0] != stamp:
            entry = self._entries[str(path)] = (stamp, discover(path))
        return entry[1]

    def counted(self, path: Path) -> Datastream:
        """The content of the file, with the rules that each profile selects counted. Raises ScapError, OSError."""
        datastream = self.get(path)
        if datastream.selected is None:
            datastream = replace(datastream, selected=rule_counts(path))
            self._entries[str(path)] = (self._entries[str(path)][0], datastream)
        return datastream

    def dump(self) -> dict[str, Any]:
        """The cache as plain values."""
        return {
            path: {"stamp": stamp, "datastream": plain(datastream)}
            for path, (stamp, datastream) in self._entries.items()
        }


def discover(path: Path) -> Datastream:
    """What the file offers. Raises ScapError, OSError."""
    heads = _Heads()
    with path.open("rb") as stream:
        for parent, record in records(stream, _LAYOUT, _LIMITS):
            heads.add(parent, record)
            if heads.complete:
                break
    return heads.datastream(str(path))


class _Head:
    """A benchmark up to its first rule or group."""

    def __init__(self, identifier: str) -> None:
        self.id = identifier
        self.title: str | None = None
        self.version: str | None = None
        self.platforms: list[str] = []
        self.profiles: list[tuple[str, str, str]] = []
        self.ended = False

    def add(self, record: Element) -> None:
        name = local(record)
        if name == "title":
            self.title = self.title or one_line(readable(record, {}))
        elif name == "version":
            self.version = one_line(record.text)
        elif name == "platform":
            self.platforms.append(record.get("idref", ""))
        elif name == "Profile":
            self.profiles.append(_profile(record))
        elif name == "Rule":
            self.ended = True


class _Heads:
    """The heads of all benchmarks of a file; complete as soon as no more can come."""

    def __init__(self) -> None:
        self.complete = False
        self._expected: set[str] = set()
        """Components with a checklist that are still to come; of none known, one."""
        self._heads: list[_Head] = []
        self._element: Element | None = None

    def add(self, parent: Element, record: Element) -> None:
        where = local(parent)
        if where == "data-stream":
            self._expected |= set(_checklists(record))
        elif where == "Benchmark":
            self._head(parent).add(record)
            self._settle(parent)
        elif where == "Group":
            outer = next(element for element in _upwards(parent) if local(element) != "Group")
            self._head(outer).ended = True
            self._settle(outer)

    def datastream(self, path: str) -> Datastream:
        if not self._heads:
            raise ScapError("the file holds no benchmark")
        first = self._heads[0]
        profiles = {profile[0]: profile for head in self._heads for profile in head.profiles}
        return Datastream(
            path=path,
            benchmark=first.id,
            title=first.title,
            version=first.version,
            platforms=tuple(dict.fromkeys(first.platforms)),
            profiles=tuple(
                ProfileInfo(id=identifier, title=title, description=description, file_path=path)
                for identifier, title, description in profiles.values()
            ),
        )

    def _head(self, element: Element) -> _Head:
        if self._element is not element:
            self._element = element
            self._heads.append(_Head(element.get("id", "")))
        return self._heads[-1]

    def _settle(self, benchmark: Element) -> None:
        if not self._heads[-1].ended:
            return
        component = benchmark.getparent()
        self._expected.discard(component.get("id", "") if component is not None else "")
        self.complete = not self._expected


def _checklists(record: Element) -> Iterator[str]:
    """The components that a datastream names as checklists."""
    if local(record) == "checklists":
        for reference in record:
            href = reference.get("{http://www.w3.org/1999/xlink}href", "")
            if href.startswith("#"):
                yield href[1:]


def _upwards(element: Element) -> Iterator[Element]:
    yield element
    yield from element.iterancestors()


def _profile(element: Element) -> tuple[str, str, str]:
    title = element.find("{*}title")
    description = readable(element.find("{*}description"), {}) or ""
    return element.get("id", ""), "" if title is None else profile_title(title), description
