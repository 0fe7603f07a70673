"""OpenSCAP's files to a report: XCCDF results, ARF, or both.

Every count equals that of the newest TestResult. With both files the results decide and the ARF gives the evidence;
an ARF that can't be read, or that is of another scan, costs the evidence and is told in a warning.

Diagnostics: ScapError where the results (or an ARF that stands alone) can't be read; the text is one line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.report import Profile, Report, RuleResult, RuleStatus, summarize
from stages.parse.collect import Collected, Opener, collect
from stages.parse.xccdf.benchmark import Benchmark
from stages.parse.xccdf.results import Outcome, TestResult, newest
from stages.parse.xccdf.rule import severity, texts
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


def read_openscap(results: Opener | None, arf: Opener | None, options: Options | None = None) -> Report:
    """The report of one scan. Raises ScapError."""
    options = options or Options()
    warnings: list[str] = []
    if results is not None:
        collected = collect(results, options.limits, source=True)
    elif arf is not None:
        collected = collect(arf, options.limits, source=True)
    else:
        raise ScapError("neither results nor ARF: the scanner left nothing to read")
    run = _newest_run(collected)
    outcomes = [
        outcome
        for outcome in run.result.outcomes
        if outcome.result != "notselected" or options.include_notselected
    ]
    rules = tuple(_rule(outcome, run) for outcome in outcomes)
    warnings += _nothing_applied(rules)
    started, completed = _times(run.result)
    return Report(
        profile=_profile(run, collected),
        status="completed",
        started_at=started,
        completed_at=completed,
        summary=summarize(rules),
        results=rules,
        warnings=tuple(warnings),
        scanner_version=run.result.scanner_version,
    )


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


def _rule(outcome: Outcome, run: _Run) -> RuleResult:
    status = _STATUS.get(outcome.result, "skip")
    held = run.benchmark.rules.get(outcome.idref)
    if held is None:
        return RuleResult(
            rule_ref=outcome.idref, title=outcome.idref, status=status, severity=severity(outcome.severity)
        )
    path = run.benchmark.groups.get(held.group)
    rule = texts(fragment(held.xml), run.values, run.result.profile, path)
    return RuleResult(
        rule_ref=outcome.idref,
        title=rule.title,
        status=status,
        severity=severity(outcome.severity) if outcome.severity else rule.severity,
        section=rule.section,
        description=rule.description,
        rationale=rule.rationale,
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
