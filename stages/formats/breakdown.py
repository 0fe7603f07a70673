"""Results sorted for reading: by status, by severity, by section. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from schemas.report import Report, RuleResult, RuleStatus, Severity

STATUSES: tuple[RuleStatus, ...] = get_args(RuleStatus)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""
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


@dataclass(frozen=True)
class SectionGroup:
    """The results of one section, worst first; `path` are its titles, outermost first."""

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


def of_status(results: Iterable[RuleResult], *statuses: RuleStatus) -> tuple[RuleResult, ...]:
    return tuple(result for result in results if result.status in statuses)


def worst_first(results: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """By severity; results of one severity stay in the order of the benchmark."""
    return tuple(sorted(results, key=lambda result: SEVERITIES.index(result.severity)))


def by_section(results: Sequence[RuleResult]) -> tuple[SectionGroup, ...]:
    """In the order of the benchmark."""
    groups: dict[tuple[str, ...], list[RuleResult]] = {}
    for result in results:
        groups.setdefault(section_path(result), []).append(result)
    return tuple(SectionGroup(path, worst_first(members)) for path, members in groups.items())


def section_path(result: RuleResult) -> tuple[str, ...]:
    """`1.1.2.3` belongs to `Section 1.1.2`; without such a number the groups of the rule count."""
    numbered = _NUMBER.fullmatch(result.section or "")
    if numbered:
        return (f"Section {numbered[1]}",)
    if result.groups:
        return result.groups
    return (result.section or NO_SECTION,)


def section_title(result: RuleResult) -> str:
    return _PATH_SEPARATOR.join(section_path(result))


def applicable_rules(report: Report) -> int:
    """Rules with a verdict: neither skipped nor not applicable."""
    return report.summary.total_rules - report.summary.skipped
