"""The fixes of rules as runnable text: what `show --fix` prints."""

from collections.abc import Mapping, Sequence

from schemas.report import RuleResult
from stages.console.output import show_record, show_script, show_text
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import one_line

_KEPT_AS = {"bash": "sh", "shell": "sh"}
"""A script for any shell is the one for `sh`."""
_ONLY_SHELL_KEPT = {"pass": "passed", "notapplicable": "does not apply here"}
"""The statuses of rules whose other fixes are not in a report."""


def show_fixes(results: Sequence[RuleResult], system: str, *, as_json: bool) -> None:
    """Each fix under the id of its rule. Raises CommandError where there is none."""
    kept_as = _KEPT_AS.get(system, system)
    fixes: dict[str, str] = {}
    for result in results:
        of_rule = _fixes(result)
        if kept_as in of_rule:
            fixes[result.rule_ref] = of_rule[kept_as]
    if not fixes:
        raise CommandError(_why_none(results, system), Exit.NO)
    show_record(fixes, _show_scripts, as_json=as_json)


def _show_scripts(fixes: Mapping[str, str]) -> None:
    for rule, text in fixes.items():
        show_text(f"# {one_line(rule)}")
        show_script(text)
        show_text()


def _fixes(result: RuleResult) -> dict[str, str]:
    """The fixes of a rule, by system."""
    fixes: dict[str, str] = {}
    if result.remediation and not result.advice:
        fixes["sh"] = result.remediation
    for fix in result.other_fixes:
        fixes.setdefault(fix.system, fix.text)
    return fixes


def _why_none(results: Sequence[RuleResult], system: str) -> str:
    if not results:
        return "no rule has failed, so there is nothing to fix"
    if len(results) > 1:
        return f"none of the {len(results)} failed rules has a fix for {system}"
    rule = results[0]
    reason = _ONLY_SHELL_KEPT.get(rule.status)
    if reason is not None and _KEPT_AS.get(system, system) != "sh":
        return (
            f"{rule.rule_ref} {reason}: the report keeps only the sh fix of such a rule; "
            "try --fix sh"
        )
    available = list(_fixes(rule))
    if rule.advice:
        available.append("advice as text, without --fix")
    if not available:
        return f"{rule.rule_ref} has no fix"
    return f"{rule.rule_ref} has no {system} fix; it has {', '.join(available)}"
