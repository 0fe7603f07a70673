"""Truncation: what is left out of a body that is too long, in a fixed order. Pure.

First the raw output; then rationales, descriptions and remediations of passed and not applicable
rules; then of all other rules; within each group the longest first, until the body fits. Statuses,
findings, actual and expected values are never left out.
"""

from collections.abc import Iterator
from typing import Any

from schemas import codec

_TEXTS = ("rationale", "description", "remediation")
_PASSED = frozenset({"pass", "notapplicable"})


def truncate(body: dict[str, Any], excess: int) -> tuple[str, ...]:
    """Leave out of `body` at least `excess` bytes, if there are so many; one line for each kind
    left out.
    """
    left_out: list[str] = []
    if excess > 0 and "raw_output" in body:
        removed = _take(body, "raw_output")
        excess -= removed
        left_out.append(f"the raw output ({removed} bytes)")
    for name, rules in _groups(body["results"]):
        texts, removed = _take_longest(rules, excess)
        excess -= removed
        if texts == 1:
            left_out.append(f"1 text of {name} ({removed} bytes)")
        elif texts > 1:
            left_out.append(f"{texts} texts of {name} ({removed} bytes)")
    return tuple(left_out)


def _groups(results: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What may be left out first, then what after that."""
    yield "passed and not applicable rules", [r for r in results if r["status"] in _PASSED]
    yield "other rules", [r for r in results if r["status"] not in _PASSED]


def _take_longest(rules: list[dict[str, Any]], excess: int) -> tuple[int, int]:
    """Remove texts until `excess` bytes are gone; how many texts, and how many bytes."""
    texts = removed = 0
    for rule, key in _longest_first(rules):
        if removed >= excess:
            break
        removed += _take(rule, key)
        texts += 1
    return texts, removed


def may_shrink(body: dict[str, Any]) -> bool:
    """Whether there is anything left that may be left out."""
    return "raw_output" in body or any(key in rule for rule in body["results"] for key in _TEXTS)


def _longest_first(rules: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    texts = [(rule, key) for rule in rules for key in _TEXTS if key in rule]
    # The sort is stable, so equally long texts go in the order of the report: the same report, the
    # same body.
    return iter(sorted(texts, key=lambda text: -len(text[0][text[1]])))


def _take(fields: dict[str, Any], key: str) -> int:
    """Remove a text; the bytes that its JSON took, with its key, colon and comma."""
    return len(codec.encode(fields.pop(key))) + len(key) + len('"":,')
