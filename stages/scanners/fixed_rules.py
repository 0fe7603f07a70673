"""Which rules of a report had been fixed on the host before the scan. Pure."""

from collections.abc import Sequence

from schemas.codec import replace
from schemas.manifest import AppliedFix
from schemas.report import RuleResult


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
    on = f"{fix.at:%Y-%m-%d}"
    if result.status == "pass":
        message = f"fixed on {on}, passes since"
    elif result.status in ("fail", "warn"):
        message = f"fixed on {on}, fails again"
    else:
        return result.finding
    if result.finding is None:
        return message
    return f"{message}. {result.finding}"
