"""The texts that explain a failure: what was expected, what was found, and one sentence of both.

A failure of several parts is one explanation: the texts of its parts, combined as their group
requires. Long alternatives are led by a sentence about the nearest of them, without its details:

    /etc/audit/audit.rules: the line “-w /etc/group -p …” is missing; nor does the other alternative
    hold. In detail: /etc/audit/audit.rules: no line like … ; /etc/audit/rules.d: no line like …

Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from stages.scanners.openscap.oval.criteria import (
    FailedCriterion,
    FailedGroup,
    FailedPart,
    GroupMode,
    Unexplained,
    decided,
)
from stages.scanners.openscap.oval.entity_wording import short_id

_SHOWN_PARTS = 10
_LONG_FINDING = 300
"""Characters; a longer list of alternatives is led by the nearest of them."""


@dataclass(frozen=True)
class Explanation:
    expected: str
    facts: tuple[str, ...]
    """What was found, one text for each thing that was looked for."""
    finding: str
    brief: str
    """The finding without expressions and other details, to lead a long list."""
    corrections: int = 1
    """How many things have to be corrected at least."""

    @property
    def actual(self) -> str:
        return _merge(_ACTUAL, self.facts, nested=False)


@dataclass(frozen=True)
class _Merging:
    """How the texts of a group become one text."""

    prefix: str
    separator: str


_EXPECTED: dict[GroupMode, _Merging] = {
    "all": _Merging("", "; "),
    "any": _Merging("one of: ", "; or "),
    "one": _Merging("exactly one of: ", "; or "),
    "only one": _Merging("only one may hold: all but one of: ", "; "),
    "odd": _Merging("an odd number of these changed: ", "; "),
    "even": _Merging("an odd number of these changed: ", "; "),
}
_FINDING: dict[GroupMode, _Merging] = {
    "all": _Merging("", "; "),
    "any": _Merging("none of the alternatives holds: ", "; "),
    "one": _Merging("none holds where exactly one has to: ", "; "),
    "only one": _Merging("several hold where only one may: ", "; "),
    "odd": _Merging("an even number holds where an odd number has to: ", "; "),
    "even": _Merging("an odd number holds where an even number has to: ", "; "),
}
_ACTUAL = _Merging("", "; ")
_BRIEF = _Merging("", "; ")
_NOTHING_EVALUATED = _Merging("no alternative could be evaluated: ", "; ")
_RESULTS = {"true": "it holds", "false": "it does not hold"}

ExplainCriterion = Callable[[FailedCriterion], Explanation]
TitleOf = Callable[[str], str | None]
"""Gives the title of a definition by its id."""


def explanation(
    part: FailedPart, explain_criterion: ExplainCriterion, title_of: TitleOf
) -> Explanation:
    """The texts of a failed part; `title_of` names a definition that has no details."""
    if isinstance(part, FailedCriterion):
        return explain_criterion(part)
    if isinstance(part, Unexplained):
        return _unexplained(part, title_of)
    inner = [explanation(inner, explain_criterion, title_of) for inner in part.parts]
    return _of_group(part, list(dict.fromkeys(inner)))


def _of_group(group: FailedGroup, parts: Sequence[Explanation]) -> Explanation:
    if len(parts) == 1:
        return parts[0]
    nested = any(isinstance(inner, FailedGroup) for inner in group.parts)
    facts: dict[str, None] = {}
    for part in parts:
        facts |= dict.fromkeys(part.facts)
    merging = _finding_merging(group)
    merged = Explanation(
        expected=_merge(_EXPECTED[group.mode], [part.expected for part in parts], nested=nested),
        facts=tuple(facts),
        finding=_merge(merging, [part.finding for part in parts], nested=nested),
        brief=_merge(_BRIEF, [part.brief for part in parts], nested=False),
        corrections=sum(part.corrections for part in parts),
    )
    if group.mode != "any":
        return merged
    nearest = min(parts, key=lambda part: (part.corrections, len(part.finding)))
    merged = replace(merged, brief=nearest.brief, corrections=nearest.corrections)
    is_long = len(merged.finding) > _LONG_FINDING
    if merging is _FINDING["any"] and is_long:
        finding = _led_by_nearest(nearest, parts, nested=nested)
        return replace(merged, finding=finding)
    return merged


def _led_by_nearest(
    nearest: Explanation, alternatives: Iterable[Explanation], *, nested: bool
) -> str:
    """The alternative with the least to correct as one sentence, all of them behind it."""
    findings = dict.fromkeys(one.finding for one in alternatives)
    others = [finding for finding in findings if finding != nearest.finding]
    if not others:
        return nearest.finding
    lead = f"{nearest.brief}; nor does the other alternative hold"
    if len(others) > 1:
        lead = f"{nearest.brief}; nor does any of {len(others)} other alternatives hold"
    if nearest.brief == nearest.finding:
        return f"{lead}: {'; '.join(_shown_parts(others, nested=nested))}"
    details = _shown_parts([nearest.finding, *others], nested=nested)
    return f"{lead}. In detail: {'; '.join(details)}"


def _finding_merging(group: FailedGroup) -> _Merging:
    # Alternatives that could not be evaluated must not be reported as violated.
    if group.mode == "any" and not any(decided(part) for part in group.parts):
        return _NOTHING_EVALUATED
    return _FINDING[group.mode]


def _merge(merging: _Merging, texts: Iterable[str], *, nested: bool) -> str:
    unique = list(dict.fromkeys(texts))
    if len(unique) == 1:
        return unique[0]
    return merging.prefix + merging.separator.join(_shown_parts(unique, nested=nested))


def _shown_parts(texts: Sequence[str], *, nested: bool) -> list[str]:
    """The first texts, and how many there are besides."""
    shown = list(texts[:_SHOWN_PARTS])
    if nested:
        shown = [_bracketed(text) for text in shown]
    hidden = len(texts) - len(shown)
    if hidden:
        shown.append(f"and {hidden} more")
    return shown


def _bracketed(text: str) -> str:
    """A text of several parts in brackets, so that two levels of `;` stay distinct."""
    if "; " in text:
        return f"({text})"
    return text


def _unexplained(part: Unexplained, title_of: TitleOf) -> Explanation:
    name = "the definition"
    if part.definition is not None:
        name = title_of(part.definition) or f"definition {short_id(part.definition)}"
    expected = "not to hold"
    if part.expected:
        expected = "to hold"
    result = _RESULTS.get(part.result, f"it is {part.result}")
    finding = f"{name}: {result}, expected {expected}"
    return Explanation(
        expected=f"{name}: {expected}",
        facts=(f"{result}; the results hold no details",),
        finding=finding,
        brief=finding,
    )
