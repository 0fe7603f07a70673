"""What became of the rules of a fix, in numbers. Pure."""

from collections.abc import Sequence
from typing import get_args

from schemas.fixes import FixedRule, FixOutcome


def outcome_counts(rules: Sequence[FixedRule]) -> str:
    """`2 fixed, 1 failed`."""
    parts = []
    for outcome in get_args(FixOutcome):
        count = sum(rule.outcome == outcome for rule in rules)
        if count:
            parts.append(f"{count} {outcome}")
    return ", ".join(parts)
