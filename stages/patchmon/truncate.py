"""Truncation: what is left out of a body that is too long, in a fixed order. Pure.

First the raw output; then rationales, descriptions and remediations of passed and not applicable
rules; then of all other rules; within each group the longest first, until the body fits. Statuses,
findings, actual and expected values are never left out.
"""

from collections.abc import Iterator
from typing import Any

from schemas import codec
from stages.runtime.printable import counted

_TEXTS = ("rationale", "description", "remediation")
_PASSED = frozenset({"pass", "notapplicable"})
Text = tuple[dict[str, Any], str]
"""A rule, and the key of one of its texts."""


def truncate(body: dict[str, Any], excess: int) -> tuple[str, ...]:
    """Take texts out of `body` until it is `excess` bytes shorter, or nothing is left to take.

    Returns one line for each kind of text that was left out.
    """
    left_out: list[str] = []
    if "raw_output" in body:
        removed = _take(body, "raw_output")
        excess -= removed
        left_out.append(f"the raw output ({removed} bytes)")
    for name, rules in _groups(body["results"]):
        texts, removed = _take_longest(rules, excess)
        excess -= removed
        if texts:
            left_out.append(f"{counted(texts, 'text')} of {name} ({removed} bytes)")
    return tuple(left_out)


def _groups(results: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rules whose texts are left out first, then those whose texts are left out after that."""
    passed: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for result in results:
        if result["status"] in _PASSED:
            passed.append(result)
        else:
            others.append(result)
    yield "passed and not applicable rules", passed
    yield "other rules", others


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
    return "raw_output" in body or bool(_texts(body["results"]))


def _longest_first(rules: list[dict[str, Any]]) -> list[Text]:
    # The sort is stable, so equally long texts go in the order of the report: the same report, the
    # same body.
    return sorted(_texts(rules), key=lambda text: -len(text[0][text[1]]))


def _texts(rules: list[dict[str, Any]]) -> list[Text]:
    return [(rule, key) for rule in rules for key in _TEXTS if key in rule]


def _take(fields: dict[str, Any], key: str) -> int:
    """Remove a text; the bytes that its JSON took, with its key, colon and comma."""
    return len(codec.encode(fields.pop(key))) + len(key) + len('"":,')
