"""The texts that explain a failure: what was expected, what was found, and one sentence of both.

The texts of several parts are combined as their group requires. A long list of alternatives begins
with a sentence about the nearest of them, without its details:

    /etc/audit/audit.rules: the line “-w /etc/group -p …” is missing; nor does the other alternative
    hold. In detail: /etc/audit/audit.rules: no line like … ; /etc/audit/rules.d: no line like …

Pure.
"""

from collections.abc import Callable, Iterable, Sequence

from schemas.codec import replace
from schemas.records import Struct
from stages.runtime.printable import by_number
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
"""Characters; a longer list of alternatives begins with the nearest of them."""


class Explanation(Struct, frozen=True):
    expected: str
    facts: tuple[str, ...]
    """What was found, one text for each thing that was looked for."""
    finding: str
    brief: str
    """The finding without expressions and other details, for the beginning of a long list."""
    corrections: int = 1
    """How many things have to be corrected, at least."""

    @property
    def actual(self) -> str:
        return _merge(_ACTUAL, self.facts, nested=False)


class _Merging(Struct, frozen=True):
    """How the texts of a group become one text."""

    prefix: str
    separator: str


_EXPECTED: dict[GroupMode, _Merging] = {
    "all": _Merging("", "; "),
    "any": _Merging("one of: ", "; or "),
    "only one": _Merging("only one may hold: all but one of: ", "; "),
    "other": _Merging("one of these to change: ", "; or "),
}
_FINDING: dict[GroupMode, _Merging] = {
    "all": _Merging("", "; "),
    "any": _Merging("none of the alternatives holds: ", "; "),
    "only one": _Merging("several hold where only one may: ", "; "),
    "other": _Merging("the number of those that hold has to change: ", "; "),
}
_ACTUAL = _Merging("", "; ")
_BRIEF = _Merging("", "; ")
_NOTHING_EVALUATED = _Merging("no alternative could be evaluated: ", "; ")
_REQUIREMENTS = {True: "to hold", False: "not to hold"}
_RESULTS = {"true": "it holds", "false": "it does not hold"}

ExplainCriterion = Callable[[FailedCriterion], Explanation]
TitleOf = Callable[[str], str | None]
"""Returns the title of a definition by its id."""


def explanation(
    part: FailedPart, explain_criterion: ExplainCriterion, title_of: TitleOf
) -> Explanation:
    """The texts of a failed part; `title_of` names a definition that has no details."""
    if isinstance(part, FailedCriterion):
        return explain_criterion(part)
    if isinstance(part, Unexplained):
        return _unexplained(part, title_of)
    inner = [explanation(inner, explain_criterion, title_of) for inner in part.parts]
    parts = list(dict.fromkeys(inner))
    if len(parts) == 1:
        return parts[0]
    nested = any(isinstance(inner, FailedGroup) for inner in part.parts)
    merged = _merged(part, parts, nested=nested)
    if part.mode == "any":
        return _with_nearest(merged, part, parts, nested=nested)
    return merged


def _merged(group: FailedGroup, parts: Sequence[Explanation], *, nested: bool) -> Explanation:
    facts: dict[str, None] = {}
    for part in parts:
        facts |= dict.fromkeys(part.facts)
    expected = [part.expected for part in parts]
    findings = [part.finding for part in parts]
    return Explanation(
        expected=_merge(_EXPECTED[group.mode], expected, nested=nested),
        facts=tuple(facts),
        finding=_merge(_finding_merging(group), findings, nested=nested),
        brief=_merge(_BRIEF, [part.brief for part in parts], nested=False),
        corrections=sum(part.corrections for part in parts),
    )


def _with_nearest(
    merged: Explanation, group: FailedGroup, parts: Sequence[Explanation], *, nested: bool
) -> Explanation:
    """Alternatives: the nearest of them decides what is to be done, and begins a long finding."""
    # Of those with equally few corrections the one with fewer words.
    nearest = min(parts, key=lambda part: (part.corrections, len(part.finding)))
    finding = merged.finding
    if _is_any_evaluated(group) and len(finding) > _LONG_FINDING:
        finding = _finding_by_nearest(nearest, parts, nested=nested)
    return replace(merged, finding=finding, brief=nearest.brief, corrections=nearest.corrections)


def _finding_by_nearest(
    nearest: Explanation, alternatives: Iterable[Explanation], *, nested: bool
) -> str:
    """The alternative with the least to correct as one sentence, followed by all of them."""
    findings = dict.fromkeys(one.finding for one in alternatives)
    others = [finding for finding in findings if finding != nearest.finding]
    if not others:
        return nearest.finding
    rest = by_number(
        len(others), "the other alternative", f"any of {len(others)} other alternatives"
    )
    lead = f"{nearest.brief}; nor does {rest} hold"
    if nearest.brief == nearest.finding:
        return f"{lead}: {'; '.join(_shown_parts(others, nested=nested))}"
    details = _shown_parts([nearest.finding, *others], nested=nested)
    return f"{lead}. In detail: {'; '.join(details)}"


def _finding_merging(group: FailedGroup) -> _Merging:
    # Alternatives that could not be evaluated must not be reported as violated.
    if group.mode == "any" and not _is_any_evaluated(group):
        return _NOTHING_EVALUATED
    return _FINDING[group.mode]


def _is_any_evaluated(group: FailedGroup) -> bool:
    return any(decided(part) for part in group.parts)


def _merge(merging: _Merging, texts: Iterable[str], *, nested: bool) -> str:
    unique = list(dict.fromkeys(texts))
    if len(unique) == 1:
        return unique[0]
    return merging.prefix + merging.separator.join(_shown_parts(unique, nested=nested))


def _shown_parts(texts: Sequence[str], *, nested: bool) -> list[str]:
    """The first texts, and the number of the others."""
    shown = list(texts[:_SHOWN_PARTS])
    if nested:
        shown = [_bracketed(text) for text in shown]
    hidden = len(texts) - len(shown)
    if hidden:
        shown.append(f"and {hidden} more")
    return shown


def _bracketed(text: str) -> str:
    """A text of several parts in brackets, which distinguish two levels of `;`."""
    if "; " in text:
        return f"({text})"
    return text


def _unexplained(part: Unexplained, title_of: TitleOf) -> Explanation:
    name = "the definition"
    if part.definition is not None:
        name = title_of(part.definition) or f"definition {short_id(part.definition)}"
    expected = _REQUIREMENTS[part.expected]
    result = _RESULTS.get(part.result, f"it is {part.result}")
    finding = f"{name}: {result}, expected {expected}"
    return Explanation(
        expected=f"{name}: {expected}",
        facts=(f"{result}; the results hold no details",),
        finding=finding,
        brief=finding,
    )
