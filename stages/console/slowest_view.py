"""The rules whose evaluation took longest: what `show --slowest` prints."""

from collections.abc import Sequence
from functools import partial

from schemas.ids import ScanId, short_rule_id
from schemas.records import Record
from schemas.report import RuleResult, RuleStatus
from stages.console.output import show_record, show_table, show_text
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit

_MOST_SHOWN = 10


class SlowRule(Record, frozen=True, kw_only=True):
    """One rule, as `show --slowest --json` lists it."""

    rule_ref: str
    title: str
    status: RuleStatus
    duration_s: float


def show_slowest(results: Sequence[RuleResult], scan_id: ScanId, *, as_json: bool) -> None:
    """Slowest first. Raises CommandError where no duration is known."""
    rules = _rules(results)
    if not rules:
        raise CommandError(
            f"{scan_id}: the scanner did not report how long each rule took", Exit.NO
        )
    rules.sort(key=lambda rule: rule.duration_s, reverse=True)
    total_s = sum(rule.duration_s for rule in rules)
    show_record(rules[:_MOST_SHOWN], partial(_show, total_s), as_json=as_json)


def _show(total_s: float, slowest: Sequence[SlowRule]) -> None:
    show_table(("duration", "status", "rule", "title"), map(_row, slowest))
    shown_s = sum(rule.duration_s for rule in slowest)
    show_text(f"together {shown_s:.1f} s; all rules took {total_s:.1f} s")


def _rules(results: Sequence[RuleResult]) -> list[SlowRule]:
    return [
        SlowRule(
            rule_ref=result.rule_ref,
            title=result.title,
            status=result.status,
            duration_s=result.duration_s,
        )
        for result in results
        if result.duration_s is not None
    ]


def _row(rule: SlowRule) -> tuple[object, ...]:
    return f"{rule.duration_s:.3f} s", rule.status, short_rule_id(rule.rule_ref), rule.title
