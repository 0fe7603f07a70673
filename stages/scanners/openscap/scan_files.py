"""One scan from OpenSCAP's files: its newest TestResult, its benchmark, the evidence of the ARF.

Diagnostics: ScapError where the results (or an ARF that stands alone) cannot be read; its text is
one line.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from schemas.codec import replace
from schemas.records import Struct, field
from stages.scanners.openscap.kept_tailoring import MAX_BYTES
from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.results_file import Opener, ResultsFile, read_arf, read_results
from stages.scanners.openscap.rule_instances import by_rule
from stages.scanners.openscap.script_checks import ScriptChecks
from stages.scanners.openscap.xccdf.rule_texts import TextOptions
from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark, RuleFilter
from stages.scanners.openscap.xccdf.xccdf_results import RuleOutcome, TestResult, newest
from stages.scap.tailoring import Tailoring, parse_tailoring
from stages.scap.xml_errors import ScapError
from stages.scap.xml_records import XmlLimits

NOTHING_TO_FIX = frozenset(("pass", "fixed", "notapplicable", "notselected"))


class Options(Struct, frozen=True):
    include_notselected: bool = False
    """Also the rules that the profile does not select, as `notapplicable`."""
    limits: XmlLimits = field(default_factory=XmlLimits)
    zone: tzinfo | None = None
    """The zone of times without one; None: this host's."""
    times_are_known: bool = False
    """Whether the times of the scan are known from elsewhere, so that those of the file are not
    used."""
    durations_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds that each rule took, by its id."""
    tailoring: Opener | None = None
    """The tailoring file of the scan, where it was kept."""
    not_searched: Sequence[str] = ()
    """Paths that oscap was made to leave out."""
    script_checks: ScriptChecks = field(default_factory=ScriptChecks)


class SelectedScan(Struct, frozen=True):
    """The newest TestResult with its benchmark."""

    test_result: TestResult
    benchmark: Benchmark
    text_options: TextOptions
    tailoring: Tailoring
    """Empty where there is none, or where neither the raw entry nor the ARF has it."""
    others: tuple[TestResult, ...] = ()
    """Older TestResults of the same file."""

    @property
    def is_tailored(self) -> bool:
        return self.test_result.is_tailored or self.test_result.profile in self.tailoring.profiles


class ArfEvidence(Struct, frozen=True):
    """What the ARF holds of the same scan."""

    outcomes: Mapping[str, Sequence[RuleOutcome]] = field(default_factory=dict)
    """Rule results by rule; empty where the report is made from the ARF alone."""
    oval_results: Mapping[str, OvalResults] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_files(
    results: Opener | None, arf: Opener | None, options: Options
) -> tuple[SelectedScan, ArfEvidence]:
    scan, arf_evidence = _read_scan(results, arf, options)
    if options.tailoring is None:
        return scan, arf_evidence
    with options.tailoring() as stream:
        content = stream.read(MAX_BYTES)
    try:
        return replace(scan, tailoring=parse_tailoring(content, "")), arf_evidence
    except ScapError as error:
        warning = f"the kept tailoring cannot be read: {error}"
        return scan, replace(arf_evidence, warnings=(*arf_evidence.warnings, warning))


def _read_scan(
    results: Opener | None, arf: Opener | None, options: Options
) -> tuple[SelectedScan, ArfEvidence]:
    if results is not None:
        return _read_results(results, arf, options)
    if arf is not None:
        arf_file = read_arf(arf, options.limits, with_benchmark=True)
        return newest_scan(arf_file, options), ArfEvidence(oval_results=arf_file.oval_results)
    raise ScapError("neither results nor ARF: the scanner left nothing to read")


def _read_results(
    results: Opener, arf: Opener | None, options: Options
) -> tuple[SelectedScan, ArfEvidence]:
    """The results, with the evidence of the ARF where it can be read."""
    if arf is None:
        warning = "no ARF: the report shows what failed, but not what was found"
        return _results_alone(results, options, warning)
    try:
        # First, because it shows which rules of the results will be needed.
        arf_file = read_arf(arf, options.limits, with_benchmark=False)
    except ScapError as error:
        warning = (
            f"the ARF cannot be read, so the report does not show what was found: {error};"
            " scan again"
        )
        return _results_alone(results, options, warning)
    return _results_with_arf(results, arf_file, options)


def _results_alone(
    results: Opener, options: Options, warning: str
) -> tuple[SelectedScan, ArfEvidence]:
    scan = newest_scan(read_results(results, options.limits, None), options)
    return scan, ArfEvidence(warnings=(warning,))


def _results_with_arf(
    results: Opener, arf_file: ResultsFile, options: Options
) -> tuple[SelectedScan, ArfEvidence]:
    """The results with the evidence of the ARF, if that is of the same scan.

    The rules of the results are read with a filter made from the newest TestResult of the ARF. If
    that turns out to be another one, the filter was wrong, and the results are read once more.
    """
    of_another = "the ARF is of another scan than the results: nothing was taken from it"
    if not arf_file.test_results:
        return _results_alone(results, options, of_another)
    counterpart = newest(arf_file.test_results, options.zone)
    outcomes = by_rule(reported_outcomes(counterpart, options))
    rule_filter = RuleFilter(frozenset(outcomes), _text_options(counterpart, counterpart.values))
    scan = newest_scan(read_results(results, options.limits, rule_filter), options)
    if not _is_same(counterpart, scan.test_result):
        return _results_alone(results, options, of_another)
    if arf_file.tailoring.profiles:
        scan = replace(scan, tailoring=arf_file.tailoring)
    return scan, ArfEvidence(outcomes, arf_file.oval_results)


def reported_outcomes(test_result: TestResult, options: Options) -> list[RuleOutcome]:
    """Without the rules that the profile does not select, unless these are requested."""
    if options.include_notselected:
        return test_result.outcomes
    return [outcome for outcome in test_result.outcomes if outcome.result != "notselected"]


def _is_same(one: TestResult, other: TestResult) -> bool:
    return (one.id, one.completed_at) == (other.id, other.completed_at)


def newest_scan(results_file: ResultsFile, options: Options) -> SelectedScan:
    if not results_file.test_results:
        raise ScapError("the file contains no TestResult: nothing was evaluated")
    test_result = newest(results_file.test_results, options.zone)
    benchmark = _benchmark(test_result, results_file.benchmarks)
    text_options = _text_options(test_result, benchmark.values | test_result.values)
    others = [one for one in results_file.test_results if one is not test_result]
    return SelectedScan(test_result, benchmark, text_options, results_file.tailoring, tuple(others))


def _text_options(test_result: TestResult, values: Mapping[str, str]) -> TextOptions:
    """Rules that passed or did not apply keep only their shell fix: there are many of them."""
    outcomes = test_result.outcomes
    to_fix = frozenset(one.idref for one in outcomes if one.result not in NOTHING_TO_FIX)
    return TextOptions(values, test_result.profile, to_fix)


def _benchmark(test_result: TestResult, benchmarks: list[Benchmark]) -> Benchmark:
    """The benchmark with the id that the result names, else the one with the most of its rules."""
    named = [benchmark for benchmark in benchmarks if benchmark.id == test_result.benchmark]
    rules = {outcome.idref for outcome in test_result.outcomes}

    def matching_rules(benchmark: Benchmark) -> int:
        return len(rules & benchmark.rules.keys())

    return max(named or benchmarks, key=matching_rules, default=Benchmark(""))


def content_of_arf(scan: SelectedScan, arf: Opener, options: Options) -> Benchmark:
    """The benchmark as it was before the scanner read it; that of the results where the ARF has
    none."""
    try:
        benchmarks = read_arf(arf, options.limits, with_benchmark=True).benchmarks
    except ScapError:
        return scan.benchmark
    same = [one for one in benchmarks if one.id == scan.benchmark.id]
    return next(iter(same), scan.benchmark)
