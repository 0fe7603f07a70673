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
from stages.parse.collect import Collected, Opener, collect
from stages.parse.evidence import evidence
from stages.parse.oval.model import Findings
from stages.parse.xccdf.benchmark import Benchmark
from stages.parse.xccdf.results import Outcome, TestResult, newest
from stages.parse.xccdf.rule import UNKNOWN_RULE, severity, texts
from stages.scap.xml import Limits, ScapError, fragment

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
    values: Mapping[str, str]


@dataclass(frozen=True)
class _Proof:
    """What the ARF says of the same run: its rule results by rule and number, and the OVAL results."""

    outcomes: Mapping[tuple[str, int], Outcome]
    findings: Mapping[str, Findings]
    warnings: tuple[str, ...] = ()


def read_openscap(results: Opener | None, arf: Opener | None, options: Options | None = None) -> Report:
    """The report of one scan. Raises ScapError."""
    options = options or Options()
    first = results or arf
    if first is None:
        raise ScapError("neither results nor ARF: the scanner left nothing to read")
    collected = collect(first, options.limits, source=True)
    run = _newest_run(collected)
    alone = results is None
    proof = _Proof({}, collected.findings) if alone else _proof(arf, run.result, options.limits)
    outcomes = [
        (number, outcome)
        for number, outcome in _numbered(run.result)
        if outcome.result != "notselected" or options.include_notselected
    ]
    rules = tuple(_rule(outcome, number, run, proof) for number, outcome in outcomes)
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


def _proof(arf: Opener | None, result: TestResult, limits: Limits) -> _Proof:
    if arf is None:
        return _Proof({}, {}, ("no ARF: the report says what failed, but not what was found",))
    try:
        collected = collect(arf, limits, source=False)
    except ScapError as error:
        words = f"the ARF can't be read, so the report does not say what was found: {error}; scan again"
        return _Proof({}, {}, (words,))
    same = [run for run in collected.runs if (run.id, run.completed_at) == (result.id, result.completed_at)]
    if not same:
        return _Proof({}, {}, ("the ARF is of another scan than the results: nothing was taken from it",))
    outcomes = {(outcome.idref, number): outcome for number, outcome in _numbered(same[-1])}
    return _Proof(outcomes, collected.findings)


def _numbered(result: TestResult) -> list[tuple[int, Outcome]]:
    """Each outcome with its number among those of the same rule: one that is checked per instance has several."""
    seen: Counter[str] = Counter()
    numbered = []
    for outcome in result.outcomes:
        numbered.append((seen[outcome.idref], outcome))
        seen[outcome.idref] += 1
    return numbered


def _newest_run(collected: Collected) -> _Run:
    if not collected.runs:
        raise ScapError("the file holds no TestResult: nothing was evaluated")
    result = newest(collected.runs)
    benchmark = _benchmark(result, collected.benchmarks)
    return _Run(result, benchmark, benchmark.values | result.values)


def _benchmark(result: TestResult, benchmarks: list[Benchmark]) -> Benchmark:
    """By id; where the result names none or an unknown one, that which has most of its rules."""
    named = [benchmark for benchmark in benchmarks if benchmark.id == result.benchmark]
    rules = {outcome.idref for outcome in result.outcomes}
    return max(named or benchmarks, key=lambda b: len(rules & b.rules.keys()), default=Benchmark(""))


def _rule(outcome: Outcome, number: int, run: _Run, proof: _Proof) -> RuleResult:
    twin = proof.outcomes.get((outcome.idref, number), outcome)
    why = evidence(twin if twin.result == outcome.result else outcome, proof.findings)
    held = run.benchmark.rules.get(outcome.idref)
    path = run.benchmark.groups.get(held.group) if held else None
    rule = texts(fragment(held.xml), run.values, run.result.profile, path) if held else UNKNOWN_RULE
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
        references=rule.references,
        other_fixes=rule.other_fixes,
    )


def _profile(run: _Run, collected: Collected) -> Profile:
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
    words = (
        f"nothing applied: all {len(rules)} rules of the profile are for another system, so this report says"
        " nothing about the host; use content made for its distribution and release"
    )
    return [words]
