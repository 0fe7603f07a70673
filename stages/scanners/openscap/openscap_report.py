"""OpenSCAP's files to a report: XCCDF results, ARF, or both.

Every count equals that of the newest TestResult. With both files the results decide and the ARF gives the evidence;
an ARF that can't be read, or that is of another scan, costs the evidence and is told in a warning.

Diagnostics: ScapError where the results (or an ARF that stands alone) can't be read; the text is one line.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.report import Profile, Report, RuleResult, RuleStatus, summarize
from stages.scanners.openscap.oval.oval_model import OvalResults
from stages.scanners.openscap.results_file import Opener, ResultsFile, collect_arf, collect_results
from stages.scanners.openscap.rule_evidence import evidence
from stages.scanners.openscap.xccdf.rule_texts import Reading, severity
from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark, RuleFilter
from stages.scanners.openscap.xccdf.xccdf_results import Outcome, TestResult, newest
from stages.scap.xml_records import Limits, ScapError

__all__ = ["Opener", "Options", "read_openscap"]

_STATUS: Mapping[str, RuleStatus] = {
    "pass": "pass",
    "fail": "fail",
    "informational": "warn",
    "notselected": "notapplicable",
    "notapplicable": "notapplicable",
    "notchecked": "skip",
    "error": "error",
}
"""The specification's `mapResultStatus`; any other word is `skip`."""

_NOTHING_TO_FIX = frozenset(("pass", "notapplicable", "notselected"))


@dataclass(frozen=True)
class Options:
    include_notselected: bool = False
    """Also the rules that the profile does not select, as `notapplicable`."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class _Run:
    """The newest TestResult, and the benchmark that it is of."""

    result: TestResult
    benchmark: Benchmark
    reading: Reading


@dataclass(frozen=True)
class _Proof:
    """What the ARF says of the same run: its rule results by rule and number, and the OVAL results."""

    outcomes: Mapping[tuple[str, int], Outcome] = field(default_factory=dict)
    findings: Mapping[str, OvalResults] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_openscap(
    results: Opener | None, arf: Opener | None, options: Options | None = None
) -> Report:
    """The report of one scan. Raises ScapError."""
    options = options or Options()
    if results is not None:
        collected, run, proof = _read_results(results, arf, options)
    elif arf is not None:
        collected = collect_arf(arf, options.limits, source=True)
        run, proof = _newest_run(collected), _Proof(findings=collected.findings)
    else:
        raise ScapError("neither results nor ARF: the scanner left nothing to read")
    rules = tuple(
        _rule(outcome, number, run, proof)
        for number, outcome in _numbered(run.result)
        if outcome.result != "notselected" or options.include_notselected
    )
    started, completed = _times(run.result)
    return Report(
        profile=_profile(run, collected),
        status="completed",
        started_at=started,
        completed_at=completed,
        summary=summarize(rules),
        results=rules,
        warnings=(*proof.warnings, *_nothing_applied(rules)),
        scanner_version=run.result.scanner_version,
    )


def _read_results(
    results: Opener, arf: Opener | None, options: Options
) -> tuple[ResultsFile, _Run, _Proof]:
    """The ARF first: it tells which of the rules in the results will matter."""
    beside, problem = None, "no ARF: the report says what failed, but not what was found"
    if arf is not None:
        try:
            beside = collect_arf(arf, options.limits, source=False)
        except ScapError as error:
            problem = f"the ARF can't be read, so the report does not say what was found: {error}; scan again"
    rule_filter = _rule_filter(beside, options) if beside else None
    collected = collect_results(results, options.limits, rule_filter)
    run = _newest_run(collected)
    if beside is None:
        return collected, run, _Proof(warnings=(problem,))
    same = [other for other in beside.runs if _same_run(other, run.result)]
    if not same or same[-1] is not newest(beside.runs):
        collected = collect_results(results, options.limits, None)
        run = _newest_run(collected)
    if not same:
        message = "the ARF is of another scan than the results: nothing was taken from it"
        return collected, run, _Proof(warnings=(message,))
    collected.tailored |= beside.tailored
    outcomes = {(outcome.idref, number): outcome for number, outcome in _numbered(same[-1])}
    return collected, run, _Proof(outcomes, beside.findings)


def _rule_filter(beside: ResultsFile, options: Options) -> RuleFilter | None:
    if not beside.runs:
        return None
    run = newest(beside.runs)
    rules = (
        o.idref for o in run.outcomes if o.result != "notselected" or options.include_notselected
    )
    return RuleFilter(frozenset(rules), _reading(run, run.values))


def _same_run(one: TestResult, other: TestResult) -> bool:
    return (one.id, one.completed_at) == (other.id, other.completed_at)


def _numbered(result: TestResult) -> list[tuple[int, Outcome]]:
    """Each outcome with its number among those of the same rule: one that is checked per instance has several."""
    seen: Counter[str] = Counter()
    numbered = []
    for outcome in result.outcomes:
        numbered.append((seen[outcome.idref], outcome))
        seen[outcome.idref] += 1
    return numbered


def _newest_run(collected: ResultsFile) -> _Run:
    if not collected.runs:
        raise ScapError("the file holds no TestResult: nothing was evaluated")
    result = newest(collected.runs)
    benchmark = _benchmark(result, collected.benchmarks)
    return _Run(result, benchmark, _reading(result, benchmark.values | result.values))


def _reading(result: TestResult, values: Mapping[str, str]) -> Reading:
    """Of rules that passed or did not apply, the shell fix is all that is kept: there are many of them."""
    to_fix = frozenset(
        outcome.idref for outcome in result.outcomes if outcome.result not in _NOTHING_TO_FIX
    )
    return Reading(values, result.profile, to_fix)


def _benchmark(result: TestResult, benchmarks: list[Benchmark]) -> Benchmark:
    """By id; where the result names none or an unknown one, that which has most of its rules."""
    named = [benchmark for benchmark in benchmarks if benchmark.id == result.benchmark]
    rules = {outcome.idref for outcome in result.outcomes}
    return max(
        named or benchmarks, key=lambda b: len(rules & b.rules.keys()), default=Benchmark("")
    )


def _rule(outcome: Outcome, number: int, run: _Run, proof: _Proof) -> RuleResult:
    twin = proof.outcomes.get((outcome.idref, number), outcome)
    why = evidence(twin if twin.result == outcome.result else outcome, proof.findings)
    rule = run.benchmark.texts(outcome.idref, run.reading)
    return RuleResult(
        rule_ref=outcome.idref,
        title=rule.title or outcome.idref,
        status=_STATUS.get(outcome.result, "skip"),
        severity=severity(outcome.severity) if outcome.severity else rule.severity,
        section=rule.section,
        description=rule.description,
        rationale=rule.rationale,
        finding=why.finding,
        actual=why.actual,
        expected=why.expected,
        remediation=rule.remediation,
        advice=rule.advice,
        references=rule.references,
        other_fixes=rule.other_fixes,
    )


def _profile(run: _Run, collected: ResultsFile) -> Profile:
    """The title as tailored; without a profile the benchmark's."""
    identifier = run.result.profile
    if identifier is None:
        name = run.benchmark.title or run.benchmark.id
    else:
        titles = run.benchmark.profiles | collected.tailored
        name = titles.get(identifier) or identifier.rpartition("_profile_")[2]
    return Profile(
        name=name or "OpenSCAP",
        type="openscap",
        id=identifier,
        version=run.result.version or run.benchmark.version,
    )


def _times(result: TestResult) -> tuple[datetime, datetime]:
    if result.started_at is None or result.completed_at is None:
        raise ScapError(f"the TestResult {result.id} has no end-time, or one that is no time")
    return result.started_at, result.completed_at


def _nothing_applied(rules: tuple[RuleResult, ...]) -> list[str]:
    if any(rule.status != "notapplicable" for rule in rules):
        return []
    if not rules:
        return ["nothing was evaluated: the profile selects no rules"]
    message = (
        f"nothing applied: all {len(rules)} rules of the profile are for another system, so this report says"
        " nothing about the host; use content made for its distribution and release"
    )
    return [message]
