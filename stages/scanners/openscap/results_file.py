"""One pass over a results file or an ARF: its benchmarks, test results and OVAL results, as far as they are needed.

Diagnostics: ScapError for a file that can't be read.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, TypeAlias

from stages.scanners.openscap.oval.oval_collector import Collector
from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark, RuleFilter
from stages.scanners.openscap.xccdf.xccdf_results import TestResult, start_attempt
from stages.scap.xml_records import Element, Limits, RecordLayout, local, records

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
_SOURCE = frozenset(("component/Benchmark",))
"""Skipped where the results bring the benchmark; a tailoring file is only here."""
Taker: TypeAlias = Callable[[Element], None]


def _leave(record: Element) -> None:
    """Nothing of it is needed."""


class ResultsFile:
    """What one file holds."""

    def __init__(
        self, known: Sequence[TestResult] = (), rule_filter: RuleFilter | None = None
    ) -> None:
        """`known` are the runs whose OVAL definitions are wanted; without them those that were read before."""
        self.benchmarks: list[Benchmark] = []
        self.runs: list[TestResult] = []
        self.tailored: dict[str, str] = {}
        """Titles of the profiles that a tailoring file brings, by id."""
        self.findings: dict[str, OvalResults] = {}
        """OVAL results, by the id of the report that they are."""
        self.incomplete = False
        """The OVAL results came before the TestResult that names their definitions: read once more."""
        self._known = known
        self._rule_filter = rule_filter
        self._parent: Element | None = None
        self._taker: Taker = _leave
        """What the records of this parent are for: thousands lie in one."""
        self._gatherers: dict[str, Collector] = {}
        self._benchmark: tuple[Element, Benchmark] | None = None
        self._run: tuple[Element, TestResult] | None = None

    def add(self, parent: Element, record: Element) -> None:
        if parent is not self._parent:
            self._parent, self._taker = parent, self._taker_for(parent)
        self._taker(record)

    def _taker_for(self, parent: Element) -> Taker:
        where = local(parent)
        if where == "TestResult":
            return self._run_of(parent).add
        if where in _BENCHMARK:
            return partial(self._benchmark_of(parent).add, parent)
        if where in _OVAL:
            return self._oval_taker(parent, where)
        return self._add_tailoring if where == "Tailoring" else _leave

    def _add_tailoring(self, record: Element) -> None:
        if local(record) == "Profile":
            titles = Benchmark("")
            titles.add_profile(record)
            self.tailored |= titles.profiles

    def _oval_taker(self, parent: Element, section: str) -> Taker:
        above = list(parent.iterancestors())
        if "oval_results" not in map(local, above):
            return _leave
        report = next(
            (element.get("id", "") for element in above if local(element) == "report"), ""
        )
        return self._gatherer(report).taker(section, defined=local(above[0]) == "oval_definitions")

    def _wanted(self, report: str) -> frozenset[str] | None:
        """The definitions of a report that checks name; None where one refers to the report as a whole."""
        runs = self._known or self.runs
        checks = [check for run in runs for outcome in run.outcomes for check in outcome.checks]
        if any(
            check.name is None and (check.href or "").removeprefix("#") == report
            for check in checks
        ):
            return None
        return frozenset(check.name for check in checks if check.name is not None)

    def _gatherer(self, report: str) -> Collector:
        found = self._gatherers.get(report)
        if found is None:
            found = self._gatherers[report] = Collector(self._wanted(report))
            self.findings[report] = found.findings
            self.incomplete |= not self._known and not self.runs
        return found

    def _run_of(self, element: Element) -> TestResult:
        if self._run is None or self._run[0] is not element:
            self._run = (element, start_attempt(element))
            self.runs.append(self._run[1])
            outer = element.getparent()
            if outer is not None and local(outer) == "Benchmark" and self._run[1].benchmark is None:
                self._run[1].benchmark = outer.get("id")
        return self._run[1]

    def _benchmark_of(self, element: Element) -> Benchmark:
        outer = element
        while local(outer) == "Group":
            above = outer.getparent()
            if above is None:
                break
            outer = above
        if self._benchmark is None or self._benchmark[0] is not outer:
            self._benchmark = (outer, Benchmark(outer.get("id", ""), rule_filter=self._rule_filter))
            self.benchmarks.append(self._benchmark[1])
        return self._benchmark[1]


def collect_results(opener: Opener, limits: Limits, rule_filter: RuleFilter | None) -> ResultsFile:
    """Read XCCDF results, or an ARF as if it were that. Raises ScapError."""
    return _collect(
        opener, limits, ResultsFile(rule_filter=rule_filter), _SKIPPED | {"content/oval_results"}
    )


def collect_arf(opener: Opener, limits: Limits, *, source: bool) -> ResultsFile:
    """Read an ARF; `source` says whether its benchmark is wanted. Raises ScapError."""
    skipped = _SKIPPED if source else _SKIPPED | _SOURCE
    collected = _collect(opener, limits, ResultsFile(), skipped)
    if collected.incomplete and collected.runs:
        collected = _collect(opener, limits, ResultsFile(collected.runs), skipped)
    return collected


def _collect(
    opener: Opener, limits: Limits, collected: ResultsFile, skipped: frozenset[str]
) -> ResultsFile:
    with opener() as stream:
        for parent, record in records(stream, RecordLayout(_ROOTS, _STRUCTURE, skipped), limits):
            collected.add(parent, record)
    return collected
