"""Findings that distinguish failed rules from each other. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from schemas import codec
from schemas.report import RuleResult
from stages.scanners.openscap.xccdf.xccdf_results import RuleOutcome

Checks: TypeAlias = frozenset[tuple[str | None, str | None]]


def distinct_findings(rules: Sequence[RuleResult], checks: Sequence[Checks]) -> list[RuleResult]:
    """The rules, each failed one with its title before a finding that other checks have, too.

    Two checks may have the same text where the results hold no details of either, or where its end
    is cut off. Rules that the content checks by the same definitions keep the same text.
    """
    checks_of_finding: defaultdict[str | None, set[Checks]] = defaultdict(set)
    for rule, names in zip(rules, checks, strict=True):
        if rule.status == "fail":
            checks_of_finding[rule.finding].add(names)
    results = []
    for rule in rules:
        if rule.status == "fail" and len(checks_of_finding[rule.finding]) > 1:
            results.append(codec.replace(rule, finding=f"{rule.title}: {rule.finding}"))
        else:
            results.append(rule)
    return results


def check_names(outcomes: Sequence[RuleOutcome]) -> Checks:
    """The checks of a rule, by file and name; its own id where the results name none."""
    names = {(check.href, check.name) for outcome in outcomes for check in outcome.checks}
    names.discard((None, None))
    return frozenset(names or {(None, outcomes[0].idref)})
