"""One pass over a results file or an ARF: its benchmarks, test results and OVAL results, as far as they are needed.

Diagnostics: ScapError for a file that can't be read.
"""

from collections.abc import Callable
from typing import BinaryIO

from stages.parse.xccdf.benchmark import Benchmark
from stages.parse.xccdf.results import TestResult, begin
from stages.scap.xml import Element, Layout, Limits, local, records

Opener = Callable[[], BinaryIO]
"""Gives a fresh stream of uncompressed XML."""

_BENCHMARK = frozenset(("Benchmark", "Group"))
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
        "content/oval_results",
    )
)
_SOURCE = frozenset(("report-requests",))


class Collected:
    """What one file holds."""

    def __init__(self) -> None:
        self.benchmarks: list[Benchmark] = []
        self.runs: list[TestResult] = []
        self.tailored: dict[str, str] = {}
        """Titles of the profiles that a tailoring file brings, by id."""
        self._parent: Element | None = None
        self._benchmark: tuple[Element, Benchmark] | None = None
        self._run: tuple[Element, TestResult] | None = None

    def add(self, parent: Element, record: Element) -> None:
        where = local(parent)
        if where == "TestResult":
            self._run_of(parent).add(record)
        elif where in _BENCHMARK:
            self._benchmark_of(parent).add(parent, record)
        elif where == "Tailoring" and local(record) == "Profile":
            titles = Benchmark("")
            titles.add_profile(record)
            self.tailored |= titles.profiles

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
    """Read the file; `source` says whether the content that an ARF carries along is wanted."""
    layout = Layout(_ROOTS, _STRUCTURE, _SKIPPED if source else _SKIPPED | _SOURCE)
    collected = Collected()
    with opener() as stream:
        for parent, record in records(stream, layout, limits):
            collected.add(parent, record)
    return collected
