"""The profiles that a content file offers, read without starting a scanner.

Source datastreams (SCAP 1.2 and 1.3, with one benchmark or several) and plain XCCDF files (1.1 and
1.2) are read. Only the header of each benchmark is read: its profiles come before its rules. The
number of rules that a profile selects takes the whole file and is counted on request.

Diagnostics: ScapError for a file that cannot be read as content, OSError for one that cannot be
opened.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.capabilities import ProfileInfo
from schemas.codec import SchemaError, convert, plain, replace
from schemas.records import Record as Frozen
from schemas.records import Struct, field
from spool.packing import unpacked
from stages.scap.rule_counts import RuleCounts, benchmark_around, count_rules
from stages.scap.xccdf_text import one_line, readable, title_of
from stages.scap.xml_elements import Element, local
from stages.scap.xml_errors import ScapError
from stages.scap.xml_records import RecordLayout, XmlLimits, records

_LIMITS = XmlLimits(bytes=1024 * 1024 * 1024, seconds=60.0)
_LAYOUT = RecordLayout(
    roots=frozenset(("data-stream-collection", "Benchmark")),
    structure=frozenset(
        ("data-stream-collection", "component", "data-stream", "Benchmark", "Group")
    ),
    skipped=frozenset(("extended-component",)),
)
_HREF = "{http://www.w3.org/1999/xlink}href"


class Checklist(Frozen, frozen=True, kw_only=True):
    """Where a profile is in a file with several benchmarks."""

    profile: str
    """The profile's id in the content."""
    benchmark: str
    datastream: str | None = None
    component_reference: str | None = None
    """The datastream and its reference to the benchmark; None in a plain XCCDF file."""


class Datastream(Frozen, frozen=True, kw_only=True):
    """One content file. Of several benchmarks the first gives the title and version; the profiles
    are those of all."""

    path: str
    benchmark: str
    title: str | None = None
    version: str | None = None
    platforms: tuple[str, ...] = ()
    """CPE names of the systems that the benchmark is for."""
    profiles: tuple[ProfileInfo, ...] = ()
    """Ids are unique: one that an earlier benchmark also has gets `@` and its benchmark's id."""
    checklists: Mapping[str, Checklist] = {}
    """By the ids of `profiles`; empty for a file with one benchmark."""
    benchmark_profiles: tuple[Mapping[str, str], ...] = ()
    """For each benchmark: a profile's id in the content, and its id in `profiles`."""
    selected: Mapping[str, int] | None = None
    """Profile id to the number of rules that it selects; None until they are counted."""
    script_rules: int = 0
    """Rules that are checked by scripts (SCE); 0 until they are counted."""


Stamp = list[int]
"""A file's size and modification time."""


class ProfileCache:
    """Content read before, by path; read again if a file's size or modification time differs."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        """`kept` is what `dump` returned; invalid entries are left out."""
        self._entries: dict[str, tuple[Stamp, Datastream]] = {}
        for path, entry in kept.items():
            try:
                stamp = convert(entry["stamp"], list[int])
                self._entries[path] = (stamp, convert(entry["datastream"], Datastream))
            except (SchemaError, KeyError, TypeError):
                continue

    def get(self, path: Path) -> Datastream:
        """The content of the file. Raises ScapError, OSError."""
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns]
        entry = self._entries.get(str(path))
        if entry is None or entry[0] != stamp:
            entry = (stamp, discover(path))
            self._entries[str(path)] = entry
        return entry[1]

    def counted(self, path: Path) -> Datastream:
        """The content of the file, its rules counted per profile. Raises ScapError, OSError."""
        datastream = self.get(path)
        if datastream.selected is None:
            counts = count_rules(path)
            datastream = replace(
                datastream,
                selected=_counts(counts, datastream),
                script_rules=counts.by_script,
            )
            stamp, _ = self._entries[str(path)]
            self._entries[str(path)] = (stamp, datastream)
        return datastream

    def dump(self) -> dict[str, Any]:
        """The cache as plain values."""
        dumped = {}
        for path, (stamp, datastream) in self._entries.items():
            dumped[path] = {"stamp": stamp, "datastream": plain(datastream)}
        return dumped


def _counts(counted: RuleCounts, datastream: Datastream) -> dict[str, int]:
    """By the ids of the datastream's profiles, which the counts per benchmark do not have."""
    counts = {}
    for ids, selected in zip(datastream.benchmark_profiles, counted.selected, strict=False):
        for profile, count in selected.items():
            if profile in ids:
                counts[ids[profile]] = count
    return counts


def discover(path: Path) -> Datastream:
    """What the file offers. Raises ScapError, OSError."""
    content = _ContentHeaders(str(path))
    with path.open("rb") as file:
        stream = unpacked(file, _LIMITS.bytes)
        for parent, record in records(stream, _LAYOUT, _LIMITS):
            content.add(parent, record)
            if content.complete:
                break
    return content.datastream()


class _BenchmarkHeader(Struct):
    """A benchmark up to its first rule or group."""

    id: str
    component: str
    title: str | None = None
    version: str | None = None
    platforms: list[str] = field(default_factory=list)
    profiles: list[ProfileInfo] = field(default_factory=list)
    ended: bool = False

    def add(self, record: Element, path: str) -> None:
        name = local(record)
        if name == "title":
            self.title = self.title or one_line(readable(record, {}))
        elif name == "version":
            self.version = one_line(record.text)
        elif name == "platform":
            self.platforms.append(record.get("idref", ""))
        elif name == "Profile":
            self.profiles.append(read_profile(record, path))
        elif name == "Rule":
            self.ended = True


class _ContentHeaders:
    """The headers of all benchmarks of a file; complete as soon as no more can come."""

    def __init__(self, path: str) -> None:
        self.complete = False
        self._path = path
        self._expected_components: set[str] = set()
        """Components that a datastream names as checklists and that have not been read yet."""
        self._references: dict[str, tuple[str, str]] = {}
        """By component: the first datastream that names it as a checklist, and its reference."""
        self._headers: list[_BenchmarkHeader] = []
        self._benchmark: Element | None = None

    def add(self, parent: Element, record: Element) -> None:
        name = local(parent)
        if name == "data-stream":
            for reference, component in _checklists(record):
                self._expected_components.add(component)
                self._references.setdefault(component, (parent.get("id", ""), reference))
        elif name == "Benchmark":
            self._header_of(parent).add(record, self._path)
            self._check_complete(parent)
        elif name == "Group":
            benchmark = benchmark_around(parent)
            self._header_of(benchmark).ended = True
            self._check_complete(benchmark)

    def datastream(self) -> Datastream:
        if not self._headers:
            raise ScapError("the file contains no benchmark")
        first = self._headers[0]
        profiles: dict[str, ProfileInfo] = {}
        checklists: dict[str, Checklist] = {}
        benchmark_profiles: list[dict[str, str]] = []
        for header in self._headers:
            ids: dict[str, str] = {}
            of_earlier_benchmarks = frozenset(profiles)
            for profile in header.profiles:
                named = profile
                if profile.id in of_earlier_benchmarks:
                    named = _with_benchmark(profile, header)
                ids[profile.id] = named.id
                profiles[named.id] = named
                checklists[named.id] = self._checklist(profile, header)
            benchmark_profiles.append(ids)
        if len(self._headers) == 1:
            checklists = {}
        return Datastream(
            path=self._path,
            benchmark=first.id,
            title=first.title,
            version=first.version,
            platforms=tuple(dict.fromkeys(first.platforms)),
            profiles=tuple(profiles.values()),
            checklists=checklists,
            benchmark_profiles=tuple(benchmark_profiles),
        )

    def _checklist(self, profile: ProfileInfo, header: _BenchmarkHeader) -> Checklist:
        datastream, reference = self._references.get(header.component, (None, None))
        return Checklist(
            profile=profile.id,
            benchmark=header.id,
            datastream=datastream,
            component_reference=reference,
        )

    def _header_of(self, benchmark: Element) -> _BenchmarkHeader:
        if self._benchmark is not benchmark:
            self._benchmark = benchmark
            self._headers.append(_BenchmarkHeader(benchmark.get("id", ""), _component(benchmark)))
        return self._headers[-1]

    def _check_complete(self, benchmark: Element) -> None:
        if self._headers[-1].ended:
            self._expected_components.discard(_component(benchmark))
            self.complete = not self._expected_components


def _component(benchmark: Element) -> str:
    """The id of the component that a benchmark is in; empty in a plain XCCDF file."""
    component = benchmark.getparent()
    if component is None:
        return ""
    return component.get("id", "")


def _with_benchmark(profile: ProfileInfo, header: _BenchmarkHeader) -> ProfileInfo:
    """A profile whose id an earlier benchmark has too."""
    benchmark = header.title or header.id
    return replace(profile, id=f"{profile.id}@{header.id}", title=f"{profile.title} ({benchmark})")


def _checklists(record: Element) -> Iterator[tuple[str, str]]:
    """The components that a datastream names as checklists, each after the id of its reference."""
    if local(record) != "checklists":
        return
    for reference in record:
        href = reference.get(_HREF, "")
        if href.startswith("#"):
            yield reference.get("id", ""), href[1:]


def read_profile(element: Element, path: str) -> ProfileInfo:
    return ProfileInfo(
        id=element.get("id", ""),
        title=title_of(element),
        description=readable(element.find("{*}description"), {}) or "",
        file_path=path,
    )
