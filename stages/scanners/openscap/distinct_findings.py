"""Findings that distinguish failed rules from each other. Pure."""

from collections import defaultdict
from collections.abc import Sequence

from schemas import codec
from schemas.report import RuleResult
from stages.scanners.openscap.xccdf.xccdf_results import Outcome


def distinct_findings(
    rules: Sequence[RuleResult], checks: Sequence[frozenset[str]]
) -> list[RuleResult]:
    """The rules, each failed one with its title before a finding that other checks have, too.

    Two checks may have the same text where the results hold no details of either, or where its end
    is cut off. Rules that the content checks by the same definitions keep the same text.
    """
    checks_of_finding: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for rule, names in zip(rules, checks, strict=True):
        if rule.status == "fail" and rule.finding:
            checks_of_finding[rule.finding].add(names)
    results = []
    for rule in rules:
        finding = rule.finding or ""
        if rule.status == "fail" and len(checks_of_finding[finding]) > 1:
            results.append(codec.replace(rule, finding=f"{rule.title}: {finding}"))
        else:
            results.append(rule)
    return results


def check_names(outcomes: Sequence[Outcome]) -> frozenset[str]:
    """The names of the checks of a rule; its own id where the results name none."""
    names = set()
    for outcome in outcomes:
        for check in outcome.checks:
            names.add(check.name or check.href or "")
    names.discard("")
    return frozenset(names or {outcomes[0].idref})
