"""The fixes of rules as runnable text: what `show --fix` prints."""

from collections.abc import Sequence

from schemas.report import RuleResult
from stages.console.errors import CommandError
from stages.console.output import say, say_script, show_json
from stages.runtime.exits import Exit

_SHELLS = ("sh", "bash", "shell")
_ONLY_SHELL_KEPT = {"pass": "passed", "notapplicable": "does not apply here"}
"""The statuses of rules whose other fixes are not in a report."""


def show_fixes(results: Sequence[RuleResult], system: str, *, as_json: bool) -> None:
    """Each fix under the id of its rule. Raises CommandError where there is none."""
    fixes: dict[str, str] = {}
    for result in results:
        text = _fix(result, system)
        if text:
            fixes[result.rule_ref] = text
    if not fixes:
        raise CommandError(_why_none(results, system), Exit.NO)
    if as_json:
        show_json(fixes)
        return
    for rule, text in fixes.items():
        say(f"# {rule}")
        say_script(text)
        say()


def _fix(result: RuleResult, system: str) -> str | None:
    if system not in _SHELLS:
        for fix in result.other_fixes:
            if fix.system == system:
                return fix.text
        return None
    if result.advice:
        return None
    return result.remediation


def _why_none(results: Sequence[RuleResult], system: str) -> str:
    if not results:
        return "no rule has failed, so there is nothing to fix"
    if len(results) > 1:
        return f"none of the {len(results)} failed rules has a fix for {system}"
    rule = results[0]
    reason = _ONLY_SHELL_KEPT.get(rule.status)
    if reason is not None and system not in _SHELLS:
        return (
            f"{rule.rule_ref} {reason}: the report keeps only the sh fix of such a rule; "
            "try --fix sh"
        )
    available = _available(rule)
    if not available:
        return f"{rule.rule_ref} has no fix"
    return f"{rule.rule_ref} has no {system} fix; it has {', '.join(available)}"


def _available(rule: RuleResult) -> list[str]:
    """The fixes that a rule has, as a message names them."""
    available = sorted({fix.system for fix in rule.other_fixes})
    if _fix(rule, "sh"):
        available.insert(0, "sh")
    if rule.advice:
        available.append("advice as text, without --fix")
    return available
