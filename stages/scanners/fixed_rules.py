"""Which rules of a report had been fixed on the host before the scan. Pure."""

from collections.abc import Mapping, Sequence

from schemas.codec import replace
from schemas.manifest import AppliedFix
from schemas.report import RuleResult, RuleStatus

_SINCE: Mapping[RuleStatus, str] = {
    "pass": "passes since",
    "fail": "fails again",
    "warn": "fails again",
}


def with_fixes(
    results: Sequence[RuleResult], fixes: Sequence[AppliedFix]
) -> tuple[RuleResult, ...]:
    """The results; the finding of a rule that was fixed begins with the date of that."""
    by_rule = {fix.rule_ref: fix for fix in fixes}
    found: list[RuleResult] = []
    for result in results:
        fix = by_rule.get(result.rule_ref)
        if fix is None:
            found.append(result)
        else:
            finding = _finding(result, fix)
            found.append(replace(result, finding=finding, fixed_at=fix.at))
    return tuple(found)


def _finding(result: RuleResult, fix: AppliedFix) -> str | None:
    since = _SINCE.get(result.status)
    if since is None:
        return result.finding
    message = f"fixed on {fix.at:%Y-%m-%d}, {since}"
    if result.finding is None:
        return message
    return f"{message}. {result.finding}"
