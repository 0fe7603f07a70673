"""One pass over a results file or an ARF: its benchmarks, test results and OVAL results.

Only what the report needs is kept. The order of the file matters: an ARF that brings its OVAL
results before the TestResult that names their definitions is read twice, since the first pass
cannot know which definitions are needed.

Diagnostics: ScapError for a file that cannot be read.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import BinaryIO

from stages.scanners.openscap.oval.oval_collector import OvalCollector, RecordHandler, ignore
from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark, RuleFilter
from stages.scanners.openscap.xccdf.xccdf_results import Check, TestResult, read_test_result
from stages.scap.tailoring import Tailoring
from stages.scap.xml_elements import Element, local
from stages.scap.xml_records import RecordLayout, XmlLimits, records

Opener = Callable[[], BinaryIO]
"""Opens a new stream of uncompressed XML."""

_BENCHMARK = frozenset(("Benchmark", "Group"))
_OVAL_SECTIONS = frozenset(
    (
        *("definitions", "tests", "objects", "states", "variables"),
        *("collected_objects", "system_data"),
    )
)
_ROOTS = frozenset(("asset-report-collection", "Benchmark", "TestResult"))
_STRUCTURE = (
    _ROOTS
    | _OVAL_SECTIONS
    | {
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
    }
)
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
_BENCHMARK_IN_ARF = "component/Benchmark"
"""Skipped where the results bring the benchmark. A tailoring file is in the ARF alone."""
_OVAL_IN_RESULTS = "content/oval_results"


class ResultsFile:
    """What one file holds."""

    def __init__(
        self, known_results: Sequence[TestResult] = (), rule_filter: RuleFilter | None = None
    ) -> None:
        """`known_results` name the needed OVAL definitions; by default those of this file do."""
        self.benchmarks: list[Benchmark] = []
        self.test_results: list[TestResult] = []
        self.tailoring = Tailoring()
        self.oval_results: dict[str, OvalResults] = {}
        """By the id of their report in the ARF."""
        self.needs_second_pass = False
        """OVAL results came before the TestResult that names their definitions."""
        self._known_results = known_results
        self._rule_filter = rule_filter
        self._parent: Element | None = None
        self._handler: RecordHandler = ignore
        """The handler of this parent's records: one parent has thousands, so it is kept."""
        self._collectors: dict[str, OvalCollector] = {}
        self._benchmark: tuple[Element, Benchmark] | None = None

    def add(self, parent: Element, record: Element) -> None:
        if parent is not self._parent:
            self._parent = parent
            self._handler = self._handler_for(parent)
        self._handler(record)

    def _handler_for(self, parent: Element) -> RecordHandler:
        name = local(parent)
        if name == "TestResult":
            return self._new_test_result(parent).add
        if name in _BENCHMARK:
            return partial(self._benchmark_of(parent).add, parent)
        if name in _OVAL_SECTIONS:
            return self._oval_handler(parent, name)
        if name == "Tailoring":
            return self.tailoring.add
        return ignore

    def _oval_handler(self, section: Element, name: str) -> RecordHandler:
        ids = {local(element): element.get("id", "") for element in section.iterancestors()}
        if "oval_results" not in ids:
            return ignore
        collector = self._collector(ids.get("report", ""))
        return collector.handler(name, in_definitions="oval_definitions" in ids)

    def _collector(self, report_id: str) -> OvalCollector:
        if report_id not in self._collectors:
            collector = OvalCollector(self._requested_definitions(report_id))
            self._collectors[report_id] = collector
            self.oval_results[report_id] = collector.results
            if not self._known_results and not self.test_results:
                self.needs_second_pass = True
        return self._collectors[report_id]

    def _requested_definitions(self, report_id: str) -> frozenset[str] | None:
        """The definitions that checks name; None (all of them) where a check names the report."""
        names = set()
        for check in _checks(self._known_results or self.test_results):
            if check.name is not None:
                names.add(check.name)
            elif check.report == report_id:
                return None
        return frozenset(names)

    def _new_test_result(self, element: Element) -> TestResult:
        """All its records follow each other, so each TestResult comes here once."""
        found = read_test_result(element)
        parent = element.getparent()
        if parent is not None and local(parent) == "Benchmark":
            found.benchmark = parent.get("id")
        self.test_results.append(found)
        return found

    def _benchmark_of(self, element: Element) -> Benchmark:
        """The benchmark that an element is, or that a group belongs to."""
        parent = element.getparent()
        while local(element) == "Group" and parent is not None:
            element = parent
            parent = element.getparent()
        if self._benchmark is None or self._benchmark[0] is not element:
            found = Benchmark(element.get("id", ""), rule_filter=self._rule_filter)
            self._benchmark = (element, found)
            self.benchmarks.append(found)
        return self._benchmark[1]


def read_results(opener: Opener, limits: XmlLimits, rule_filter: RuleFilter | None) -> ResultsFile:
    """Read XCCDF results, or an ARF as if it were that. Raises ScapError."""
    skipped = _SKIPPED | {_OVAL_IN_RESULTS}
    return _read(opener, limits, ResultsFile(rule_filter=rule_filter), skipped)


def read_arf(opener: Opener, limits: XmlLimits, *, with_benchmark: bool) -> ResultsFile:
    """Read an ARF; `with_benchmark` says whether its benchmark is needed. Raises ScapError."""
    skipped = _SKIPPED
    if not with_benchmark:
        skipped |= {_BENCHMARK_IN_ARF}
    first = _read(opener, limits, ResultsFile(), skipped)
    if first.needs_second_pass and first.test_results:
        return _read(opener, limits, ResultsFile(first.test_results), skipped)
    return first


def _checks(test_results: Iterable[TestResult]) -> Iterable[Check]:
    for test_result in test_results:
        for outcome in test_result.outcomes:
            yield from outcome.checks


def _read(
    opener: Opener, limits: XmlLimits, results_file: ResultsFile, skipped: frozenset[str]
) -> ResultsFile:
    layout = RecordLayout(_ROOTS, _STRUCTURE, skipped)
    with opener() as stream:
        for parent, record in records(stream, layout, limits):
            results_file.add(parent, record)
    return results_file
