"""The texts that explain a failure: what was expected, what was found, and one sentence of both.

A failure of several parts is one explanation: the texts of its parts, combined as their group
requires. Pure.
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
    actual: str
    finding: str


@dataclass(frozen=True)
class _Joining:
    """How the texts of a group become one text."""

    prefix: str
    separator: str


_EXPECTED: dict[GroupMode, _Joining] = {
    "all": _Joining("", "; "),
    "any": _Joining("one of: ", "; or "),
    "one": _Joining("exactly one of: ", "; or "),
    "only one": _Joining("only one may hold: all but one of: ", "; "),
    "odd": _Joining("an odd number of these changed: ", "; "),
    "even": _Joining("an odd number of these changed: ", "; "),
}
_FINDING: dict[GroupMode, _Joining] = {
    "all": _Joining("", "; "),
    "any": _Joining("none of the alternatives holds: ", "; "),
    "one": _Joining("none holds where exactly one has to: ", "; "),
    "only one": _Joining("several hold where only one may: ", "; "),
    "odd": _Joining("an even number holds where an odd number has to: ", "; "),
    "even": _Joining("an odd number holds where an even number has to: ", "; "),
}
_ACTUAL = _Joining("", "; ")
_NOTHING_EVALUATED = _Joining("no alternative could be evaluated: ", "; ")

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
    unique = list(dict.fromkeys(inner))
    if len(unique) == 1:
        return unique[0]
    nested = any(isinstance(inner, FailedGroup) for inner in part.parts)
    joined = Explanation(
        expected=_join(_EXPECTED[part.mode], (one.expected for one in unique), nested=nested),
        actual=_join(_ACTUAL, (one.actual for one in unique), nested=False),
        finding=_join(_finding_joining(part), (one.finding for one in unique), nested=nested),
    )
    if _finding_joining(part) is not _FINDING["any"] or len(joined.finding) <= _LONG_FINDING:
        return joined
    return replace(joined, finding=_led_by_nearest(unique, nested=nested))


def _led_by_nearest(alternatives: Sequence[Explanation], *, nested: bool) -> str:
    """The alternative with the least to correct as one sentence, the others behind it."""
    findings = list(dict.fromkeys(one.finding for one in alternatives))
    nearest = min(findings, key=lambda finding: (finding.count("; "), len(finding)))
    others = [finding for finding in findings if finding != nearest]
    if not others:
        return nearest
    lead = f"{nearest}; nor does the other alternative hold: "
    if len(others) > 1:
        lead = f"{nearest}; nor does any of {len(others)} other alternatives hold: "
    shown = others[: _SHOWN_PARTS - 1]
    if nested:
        shown = _bracketed(shown)
    hidden = len(others) - len(shown)
    if hidden:
        shown.append(f"and {hidden} more")
    return lead + "; ".join(shown)


def _finding_joining(group: FailedGroup) -> _Joining:
    # Alternatives that could not be evaluated must not be reported as violated.
    if group.mode == "any" and not any(decided(part) for part in group.parts):
        return _NOTHING_EVALUATED
    return _FINDING[group.mode]


def _join(joining: _Joining, texts: Iterable[str], *, nested: bool) -> str:
    unique = list(dict.fromkeys(texts))
    if len(unique) == 1:
        return unique[0]
    shown = unique[:_SHOWN_PARTS]
    if nested:
        shown = _bracketed(shown)
    hidden = len(unique) - len(shown)
    if hidden:
        shown.append(f"and {hidden} more")
    return joining.prefix + joining.separator.join(shown)


def _bracketed(texts: Sequence[str]) -> list[str]:
    """Texts of several parts in brackets, so that two levels of `;` stay distinct."""
    bracketed = []
    for text in texts:
        several = "; " in text
        bracketed.append(f"({text})" if several else text)
    return bracketed


def _unexplained(part: Unexplained, title_of: TitleOf) -> Explanation:
    name = "the definition"
    if part.definition is not None:
        name = title_of(part.definition) or f"definition {short_id(part.definition)}"
    expected = "to hold" if part.expected else "not to hold"
    results = {"true": "it holds", "false": "it does not hold"}
    result = results.get(part.result, f"it is {part.result}")
    return Explanation(
        expected=f"{name}: {expected}",
        actual=f"{result}; the results hold no details",
        finding=f"{name}: {result}, expected {expected}",
    )
