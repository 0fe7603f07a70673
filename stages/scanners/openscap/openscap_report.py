"""OpenSCAP's files to a report: XCCDF results, ARF, or both.

The newest TestResult is reported. A rule with several results counts once, with the worst of them.
With both files the results decide and the ARF gives the evidence. An ARF that cannot be read, or
that is of another scan, costs the evidence; a warning says so. A scan in which no rule applied is a
failed scan.

Diagnostics: ScapError where the results (or an ARF that stands alone) cannot be read; its text is
one line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from schemas import codec
from schemas.report import Profile, Report, RuleResult, RuleStatus, ScanStatus, summarize
from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.results_file import Opener, ResultsFile, read_arf, read_results
from stages.scanners.openscap.rule_instances import by_rule, evidence_of_rule, worst
from stages.scanners.openscap.scan_warnings import (
    other_results,
    rules_without_result,
    zone_is_assumed,
)
from stages.scanners.openscap.told_apart import check_names, told_apart
from stages.scanners.openscap.xccdf.rule_texts import TextOptions, read_severity
from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark, RuleFilter
from stages.scanners.openscap.xccdf.xccdf_results import Outcome, TestResult, newest
from stages.scanners.secrets import masked_forms
from stages.scap.xml_records import Limits, ScapError

__all__ = ["Opener", "Options", "read_openscap"]

STATUS: Mapping[str, RuleStatus] = {
    "pass": "pass",
    "fixed": "pass",
    "fail": "fail",
    "informational": "warn",
    "notselected": "notapplicable",
    "notapplicable": "notapplicable",
    "notchecked": "skip",
    "error": "error",
}
"""The specification's `mapResultStatus`, and `fixed` as XCCDF scores it; any other is `skip`."""
_NOTHING_TO_FIX = frozenset(("pass", "fixed", "notapplicable", "notselected"))


@dataclass(frozen=True)
class Options:
    include_notselected: bool = False
    """Also the rules that the profile does not select, as `notapplicable`."""
    limits: Limits = field(default_factory=Limits)
    zone: tzinfo | None = None
    """That of times which have none. None: this host's."""
    durations_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds that each rule took, by its id."""


@dataclass(frozen=True)
class _Scan:
    """The newest TestResult with its benchmark."""

    test_result: TestResult
    benchmark: Benchmark
    text_options: TextOptions
    tailored_titles: Mapping[str, str]
    others: tuple[TestResult, ...] = ()
    """Older TestResults of the same file."""


@dataclass(frozen=True)
class _ArfEvidence:
    """What the ARF holds of the same scan."""

    outcomes: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)
    """Rule results by rule; empty where the report is made from the ARF alone."""
    oval_results: Mapping[str, OvalResults] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_openscap(
    results: Opener | None, arf: Opener | None, options: Options | None = None
) -> Report:
    """The report of one scan. Raises ScapError."""
    options = options or Options()
    scan, arf_evidence = _read_files(results, arf, options)
    rules = _rule_results(scan, arf_evidence, options)
    missing = rules_without_result(scan.test_result, scan.benchmark)
    if arf is not None and _may_lack_rules(scan, rules):
        missing = rules_without_result(scan.test_result, _content(scan, arf, options))
    warnings = [
        *arf_evidence.warnings,
        *other_results(scan.others),
        *zone_is_assumed(scan.test_result, options.zone),
        *missing,
    ]
    error = _reason_without_result(rules, selects_rules=bool(missing))
    status: ScanStatus = "completed"
    if error:
        # A score of 0 with nothing behind it would read as the worst of all hosts.
        status, rules = "failed", ()
    started, completed = _times(scan.test_result, options)
    return Report(
        profile=_profile(scan),
        status=status,
        error=error,
        started_at=started,
        completed_at=completed,
        summary=summarize(rules),
        results=rules,
        warnings=tuple(warnings),
        scanner_version=scan.test_result.scanner_version,
    )


def _read_files(
    results: Opener | None, arf: Opener | None, options: Options
) -> tuple[_Scan, _ArfEvidence]:
    if results is not None:
        return _read_results(results, arf, options)
    if arf is not None:
        arf_file = read_arf(arf, options.limits, with_benchmark=True)
        return _newest_scan(arf_file), _ArfEvidence(oval_results=arf_file.oval_results)
    raise ScapError("neither results nor ARF: the scanner left nothing to read")


def _read_results(
    results: Opener, arf: Opener | None, options: Options
) -> tuple[_Scan, _ArfEvidence]:
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


def _results_alone(results: Opener, options: Options, warning: str) -> tuple[_Scan, _ArfEvidence]:
    scan = _newest_scan(read_results(results, options.limits, None))
    return scan, _ArfEvidence(warnings=(warning,))


def _results_with_arf(
    results: Opener, arf_file: ResultsFile, options: Options
) -> tuple[_Scan, _ArfEvidence]:
    """The results with the evidence of the ARF, if that is of the same scan.

    The rules of the results are read with a filter made from the newest TestResult of the ARF. If
    that turns out to be another one, the filter was wrong, and the results are read once more.
    """
    scan = _newest_scan(read_results(results, options.limits, _rule_filter(arf_file, options)))
    same_scan = [other for other in arf_file.test_results if _is_same(other, scan.test_result)]
    if not same_scan or same_scan[-1] is not newest(arf_file.test_results):
        scan = _newest_scan(read_results(results, options.limits, None))
    if not same_scan:
        warning = "the ARF is of another scan than the results: nothing was taken from it"
        return scan, _ArfEvidence(warnings=(warning,))
    titles = {**scan.tailored_titles, **arf_file.tailored_titles}
    scan = replace(scan, tailored_titles=titles)
    outcomes = by_rule(_reported(same_scan[-1], options))
    return scan, _ArfEvidence(outcomes, arf_file.oval_results)


def _rule_filter(arf_file: ResultsFile, options: Options) -> RuleFilter | None:
    if not arf_file.test_results:
        return None
    test_result = newest(arf_file.test_results)
    rules = frozenset(outcome.idref for outcome in _reported(test_result, options))
    return RuleFilter(rules, _text_options(test_result, test_result.values))


def _reported(test_result: TestResult, options: Options) -> list[Outcome]:
    """Without the rules that the profile does not select, unless these are requested."""
    if options.include_notselected:
        return test_result.outcomes
    return [outcome for outcome in test_result.outcomes if outcome.result != "notselected"]


def _is_same(one: TestResult, other: TestResult) -> bool:
    return (one.id, one.completed_at) == (other.id, other.completed_at)


def _newest_scan(results_file: ResultsFile) -> _Scan:
    if not results_file.test_results:
        raise ScapError("the file holds no TestResult: nothing was evaluated")
    test_result = newest(results_file.test_results)
    benchmark = _benchmark(test_result, results_file.benchmarks)
    text_options = _text_options(test_result, benchmark.values | test_result.values)
    others = [one for one in results_file.test_results if one is not test_result]
    titles = results_file.tailored_titles
    return _Scan(test_result, benchmark, text_options, titles, tuple(others))


def _text_options(test_result: TestResult, values: Mapping[str, str]) -> TextOptions:
    """Of rules that passed or did not apply only the shell fix is kept: there are many of them."""
    outcomes = [one for one in test_result.outcomes if one.result not in _NOTHING_TO_FIX]
    to_fix = frozenset(outcome.idref for outcome in outcomes)
    return TextOptions(values, test_result.profile, to_fix)


def _benchmark(test_result: TestResult, benchmarks: list[Benchmark]) -> Benchmark:
    """By id; where the result names none, or an unknown one, that which has most of its rules."""
    named = [benchmark for benchmark in benchmarks if benchmark.id == test_result.benchmark]
    rules = {outcome.idref for outcome in test_result.outcomes}

    def matching_rules(benchmark: Benchmark) -> int:
        return len(rules & benchmark.rules.keys())

    return max(named or benchmarks, key=matching_rules, default=Benchmark(""))


def _rule_results(
    scan: _Scan, arf_evidence: _ArfEvidence, options: Options
) -> tuple[RuleResult, ...]:
    rules = by_rule(_reported(scan.test_result, options))
    found = []
    for rule, outcomes in rules.items():
        result = _rule_result(outcomes, scan, arf_evidence)
        found.append(codec.replace(result, duration_s=options.durations_s.get(rule)))
    return tuple(told_apart(found, [check_names(outcomes) for outcomes in rules.values()]))


def _rule_result(
    outcomes: Sequence[Outcome], scan: _Scan, arf_evidence: _ArfEvidence
) -> RuleResult:
    outcome = worst(outcomes)
    found = evidence_of_rule(_counterparts(outcomes, arf_evidence), arf_evidence.oval_results)
    texts = scan.benchmark.texts(outcome.idref, scan.text_options)
    severity = texts.severity
    if outcome.severity:
        severity = read_severity(outcome.severity)
    # A fix holds values of the profile. It has to run, so only the form of secrets is masked.
    remediation = texts.remediation
    if remediation is not None:
        remediation = masked_forms(remediation)
    return RuleResult(
        rule_ref=outcome.idref,
        title=texts.title or outcome.idref,
        status=STATUS.get(outcome.result, "skip"),
        severity=severity,
        section=texts.section,
        description=texts.description,
        rationale=texts.rationale,
        finding=found.finding,
        actual=found.actual,
        expected=found.expected,
        remediation=remediation,
        advice=texts.remediation_is_advice,
        references=texts.references,
        other_fixes=texts.other_fixes,
    )


def _counterparts(outcomes: Sequence[Outcome], arf_evidence: _ArfEvidence) -> Sequence[Outcome]:
    """The same results in the ARF: only their checks refer to its OVAL results.

    Where the ARF has other results for the rule, it is not trusted to explain these.
    """
    counterparts = arf_evidence.outcomes.get(outcomes[0].idref, ())
    if [one.result for one in counterparts] != [one.result for one in outcomes]:
        return outcomes
    return counterparts


def _profile(scan: _Scan) -> Profile:
    """The title as tailored; without a profile the benchmark's."""
    identifier = scan.test_result.profile
    if identifier is None:
        name = scan.benchmark.title or scan.benchmark.id
    else:
        titles = {**scan.benchmark.profiles, **scan.tailored_titles}
        name = titles.get(identifier) or identifier.rpartition("_profile_")[2]
    return Profile(
        name=name or "OpenSCAP",
        type="openscap",
        id=identifier,
        version=scan.test_result.version or scan.benchmark.version,
    )


def _times(test_result: TestResult, options: Options) -> tuple[datetime, datetime]:
    if test_result.started_at is None or test_result.completed_at is None:
        raise ScapError(f"the TestResult {test_result.id} has no valid end-time")
    if test_result.has_zone:
        return test_result.started_at, test_result.completed_at
    return _in_zone(test_result.started_at, options), _in_zone(test_result.completed_at, options)


def _in_zone(wall: datetime, options: Options) -> datetime:
    if options.zone is None:
        return wall.replace(tzinfo=None).astimezone().astimezone(UTC)
    return wall.replace(tzinfo=options.zone).astimezone(UTC)


def _may_lack_rules(scan: _Scan, rules: tuple[RuleResult, ...]) -> bool:
    """Whether the scanner may have lost rules while it read the content.

    Some versions lose an element that follows another without white space. The results then hold a
    benchmark without the rule, but the profile that selects it; the ARF holds the content itself.
    """
    profile = scan.test_result.profile
    if not rules:
        return True
    return profile is not None and bool(scan.benchmark.selection.unknown(profile))


def _content(scan: _Scan, arf: Opener, options: Options) -> Benchmark:
    """The benchmark as it was before the scanner read it; the scan's where the ARF has none."""
    try:
        benchmarks = read_arf(arf, options.limits, with_benchmark=True).benchmarks
    except ScapError:
        return scan.benchmark
    same = [one for one in benchmarks if one.id == scan.benchmark.id]
    return next(iter(same), scan.benchmark)


def _reason_without_result(rules: tuple[RuleResult, ...], *, selects_rules: bool) -> str | None:
    """Why these rules say nothing about the host; None where they do."""
    if not rules and selects_rules:
        return "nothing was evaluated: the scanner dropped every rule that the profile selects"
    if not rules:
        return "nothing was evaluated: the profile selects no rules; choose another profile"
    if any(rule.status != "notapplicable" for rule in rules):
        return None
    return (
        f"nothing applied: all {len(rules)} rules of the profile are for another system; use"
        " content made for this distribution and release"
    )
