"""A re-check for people: each rule before and after."""

from collections.abc import Iterator

from schemas.fixes import Recheck, RecheckedRule
from schemas.ids import short_rule_id
from stages.console.output import show_table, show_text, warn
from stages.runtime.printable import counted


def show_recheck(found: Recheck) -> None:
    for warning in found.warnings:
        warn(f"warning: {warning}")
    columns = ("before", "after", "rule", "title", "finding")
    show_table(columns, map(_row, found.rules))
    show_text(summary(found))


def summary(found: Recheck) -> str:
    """`3 rules re-checked: 2 rules newly passed, 1 unchanged`."""
    return f"{counted(len(found.rules), 'rule')} re-checked: {', '.join(_changes(found))}"


def _changes(found: Recheck) -> Iterator[str]:
    repaired = broken = 0
    for rule in found.rules:
        passed, passes = rule.before == "pass", rule.after == "pass"
        repaired += passes and not passed
        broken += passed and not passes
    unchanged = len(found.rules) - repaired - broken
    if repaired:
        yield f"{counted(repaired, 'rule')} newly passed"
    if broken:
        yield f"{broken} no longer passed"
    if unchanged:
        yield f"{unchanged} unchanged"


def _row(rule: RecheckedRule) -> tuple[object, ...]:
    after = rule.after or "no result"
    return (rule.before, after, short_rule_id(rule.rule_ref), rule.title, rule.finding)
