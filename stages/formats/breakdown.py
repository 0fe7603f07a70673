"""Results sorted for reading: by status, by severity, by section. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar, get_args

from schemas.records import Struct
from schemas.report import SEVERITIES, Report, RuleResult, RuleStatus, Severity

STATUSES: tuple[RuleStatus, ...] = get_args(RuleStatus)
STATUS_LABELS: Mapping[RuleStatus, str] = {
    "pass": "passed",
    "fail": "failed",
    "warn": "with a warning",
    "skip": "skipped",
    "notapplicable": "not applicable",
    "error": "in error",
}
NO_SECTION = "Without a section"

_PATH_SEPARATOR = " > "
_NUMBER = re.compile(r"(\d+(?:\.\d+)*)\.\d+")


class _HasSeverity(Protocol):
    @property
    def severity(self) -> Severity: ...


T = TypeVar("T", bound=_HasSeverity)


class SectionGroup(Struct, frozen=True):
    """The results of one section, worst first; `path` holds its titles, outermost first."""

    path: tuple[str, ...]
    results: tuple[RuleResult, ...]


def count_by_status(results: Iterable[RuleResult]) -> dict[RuleStatus, int]:
    """Every status, also those that do not occur."""
    counts = dict.fromkeys(STATUSES, 0)
    for result in results:
        counts[result.status] += 1
    return counts


def count_by_severity(results: Iterable[RuleResult]) -> dict[Severity, int]:
    """Every severity, also those that do not occur."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for result in results:
        counts[result.severity] += 1
    return counts


def present_severities(results: Iterable[RuleResult]) -> tuple[tuple[Severity, int], ...]:
    """The severities that occur with their counts, worst first."""
    counts = count_by_severity(results)
    return tuple((severity, count) for severity, count in counts.items() if count)


def of_status(results: Iterable[RuleResult], *statuses: RuleStatus) -> tuple[RuleResult, ...]:
    return tuple(result for result in results if result.status in statuses)


def worst_first(items: Iterable[T]) -> tuple[T, ...]:
    """By severity; items of one severity stay in their order, that of the benchmark."""
    return tuple(sorted(items, key=lambda item: SEVERITIES.index(item.severity)))


def by_section(results: Sequence[RuleResult]) -> tuple[SectionGroup, ...]:
    """In the order of the benchmark."""
    groups: dict[tuple[str, ...], list[RuleResult]] = {}
    for result in results:
        groups.setdefault(section_path(result), []).append(result)
    return tuple(SectionGroup(path, worst_first(members)) for path, members in groups.items())


def section_path(result: RuleResult) -> tuple[str, ...]:
    """A rule numbered 1.1.2.3 is in `Section 1.1.2`; one without a number in its groups."""
    numbered = _NUMBER.fullmatch(result.section or "")
    if numbered:
        return (f"Section {numbered[1]}",)
    if result.groups:
        return result.groups
    return (result.section or NO_SECTION,)


def section_title(result: RuleResult) -> str:
    return _PATH_SEPARATOR.join(section_path(result))


def evidence(result: RuleResult) -> list[str]:
    """What was expected and what was found, as far as the scanner shows it."""
    texts = []
    if result.expected:
        texts.append(f"expected: {result.expected}")
    if result.actual:
        texts.append(f"actual: {result.actual}")
    return texts


def remediation_label(result: RuleResult) -> str:
    if result.advice:
        return "advice"
    return "fix"


def applicable_rules(report: Report) -> int:
    """Rules with a verdict: neither skipped nor not applicable."""
    return report.summary.total_rules - report.summary.skipped
