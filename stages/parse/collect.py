"""One pass over a results file or an ARF: its benchmarks, test results and OVAL results, as far as they are needed.

Diagnostics: ScapError for a file that can't be read.
"""

from collections.abc import Callable
from typing import BinaryIO

from stages.parse.oval.gather import Gatherer
from stages.parse.oval.model import Findings
from stages.parse.xccdf.benchmark import Benchmark
from stages.parse.xccdf.results import TestResult, begin
from stages.scap.xml import Element, Layout, Limits, local, records

Opener = Callable[[], BinaryIO]
"""Gives a fresh stream of uncompressed XML."""

_BENCHMARK = frozenset(("Benchmark", "Group"))
_DEFINED = frozenset(("objects", "states", "variables"))
_BOTH = frozenset(("definitions", "tests"))
"""Sections of the definitions as well as of the results."""
_FOUND = frozenset(("collected_objects", "system_data"))
_OVAL = _DEFINED | _BOTH | _FOUND
_ROOTS = frozenset(("asset-report-collection", "Benchmark", "TestResult"))
_STRUCTURE = _ROOTS | {
    "report-requests",
    "report-request",
    "reports",
    "report",
    "content",
    "data-stream-collection",
    "component",
    "Group",
    "Tailoring",
    "oval_results",
    "oval_definitions",
    "results",
    "system",
    "oval_system_characteristics",
    *_OVAL,
}
_SKIPPED = frozenset(
    (
        "assets",
        "relationships",
        "data-stream",
        "extended-component",
        "component/oval_definitions",
        "component/ocil",
        "component/cpe-list",
    )
)
_SOURCE = frozenset(("report-requests",))


class Collected:
    """What one file holds."""

    def __init__(self, wanted: frozenset[str] | None = None) -> None:
        """`wanted` are the OVAL definitions to explain; None: those that the runs read so far name."""
        self.benchmarks: list[Benchmark] = []
        self.runs: list[TestResult] = []
        self.tailored: dict[str, str] = {}
        """Titles of the profiles that a tailoring file brings, by id."""
        self.findings: dict[str, Findings] = {}
        """OVAL results, by the id of the report that they are."""
        self.incomplete = False
        """The OVAL results came before the TestResult that names their definitions: read once more."""
        self._wanted = wanted
        self._section: tuple[Element, Gatherer, bool] | None = None
        self._gatherers: dict[str, Gatherer] = {}
        self._parent: Element | None = None
        self._benchmark: tuple[Element, Benchmark] | None = None
        self._run: tuple[Element, TestResult] | None = None

    def add(self, parent: Element, record: Element) -> None:
        where = local(parent)
        if where == "TestResult":
            self._run_of(parent).add(record)
        elif where in _BENCHMARK:
            self._benchmark_of(parent).add(parent, record)
        elif where in _OVAL:
            self._gather(parent, where, record)
        elif where == "Tailoring" and local(record) == "Profile":
            titles = Benchmark("")
            titles.add_profile(record)
            self.tailored |= titles.profiles

    def wanted(self) -> frozenset[str]:
        """The OVAL definitions that the checks of all runs name."""
        outcomes = [outcome for run in self.runs for outcome in run.outcomes]
        return frozenset(check.name or "" for outcome in outcomes for check in outcome.checks)

    def _gather(self, parent: Element, section: str, record: Element) -> None:
        if self._section is None or self._section[0] is not parent:
            names = [local(element) for element in parent.iterancestors()]
            if "oval_results" not in names:
                return
            report = next((e.get("id", "") for e in parent.iterancestors() if local(e) == "report"), "")
            self._section = (parent, self._gatherer(report), names[0] == "oval_definitions")
        self._section[1].add(section, record, defined=self._section[2])

    def _gatherer(self, report: str) -> Gatherer:
        found = self._gatherers.get(report)
        if found is None:
            wanted = self.wanted() if self._wanted is None else self._wanted
            found = self._gatherers[report] = Gatherer(None if "" in wanted else wanted)
            self.findings[report] = found.findings
            self.incomplete |= self._wanted is None and not self.runs
        return found

    def _run_of(self, element: Element) -> TestResult:
        if self._run is None or self._run[0] is not element:
            self._run = (element, begin(element))
            self.runs.append(self._run[1])
            outer = element.getparent()
            if outer is not None and local(outer) == "Benchmark" and self._run[1].benchmark is None:
                self._run[1].benchmark = outer.get("id")
        return self._run[1]

    def _benchmark_of(self, element: Element) -> Benchmark:
        if element is self._parent and self._benchmark is not None:
            return self._benchmark[1]
        self._parent, outer = element, element
        while local(outer) == "Group":
            above = outer.getparent()
            if above is None:
                break
            outer = above
        if self._benchmark is None or self._benchmark[0] is not outer:
            self._benchmark = (outer, Benchmark(outer.get("id", "")))
            self.benchmarks.append(self._benchmark[1])
        return self._benchmark[1]


def collect(opener: Opener, limits: Limits, *, source: bool) -> Collected:
    """Read the file; `source` says whether the content that an ARF carries along is wanted. Raises ScapError."""
    collected = _collect(opener, limits, Collected(), source=source)
    if collected.incomplete and collected.wanted():
        collected = _collect(opener, limits, Collected(collected.wanted()), source=source)
    return collected


def _collect(opener: Opener, limits: Limits, collected: Collected, *, source: bool) -> Collected:
    layout = Layout(_ROOTS, _STRUCTURE, _SKIPPED if source else _SKIPPED | _SOURCE)
    with opener() as stream:
        for parent, record in records(stream, layout, limits):
            collected.add(parent, record)
    return collected
