"""Failed rules of one report whose findings would be the same. Pure."""

from collections.abc import Sequence

from schemas import codec
from schemas.report import RuleResult
from stages.scanners.openscap.xccdf.xccdf_results import Outcome


def distinct_findings(
    rules: Sequence[RuleResult], checks: Sequence[frozenset[str]]
) -> list[RuleResult]:
    """Failed rules whose findings are the same although their checks are not, by their titles.

    A text may be the same for two checks where the results hold no details of either, or where its
    end is cut off. Rules that the content checks by the same definitions keep the same text.
    """
    checks_of_finding: dict[str, set[frozenset[str]]] = {}
    for rule, names in zip(rules, checks, strict=True):
        if rule.status == "fail" and rule.finding:
            checks_of_finding.setdefault(rule.finding, set()).add(names)
    results = []
    for rule in rules:
        ambiguous = len(checks_of_finding.get(rule.finding or "", ())) > 1
        if rule.status == "fail" and ambiguous:
            results.append(codec.replace(rule, finding=f"{rule.title}: {rule.finding}"))
        else:
            results.append(rule)
    return results


def check_names(outcomes: Sequence[Outcome]) -> frozenset[str]:
    """What a rule is checked by; its own id where the results name nothing."""
    names = {check.name or check.href or "" for one in outcomes for check in one.checks}
    return frozenset(names - {""}) or frozenset({outcomes[0].idref})
