"""A cause of several parts in one text each: what had to hold, what was there, what is wrong. Pure."""

from collections.abc import Callable, Sequence

from stages.scanners.openscap.oval.criteria import (
    FailedCriterion,
    FailedGroup,
    FailedPart,
    Mode,
    Unexplained,
    decided,
)
from stages.scanners.openscap.oval.criterion_wording import Explanation
from stages.scanners.openscap.oval.entity_wording import short_id

_SHOWN_PARTS = 10
_EXPECTED: dict[Mode, tuple[str, str]] = {
    "all": ("", "; "),
    "any": ("one of: ", "; or "),
    "one": ("exactly one of: ", "; or "),
    "only one": ("only one may hold: all but one of: ", "; "),
    "odd": ("an odd number of these changed: ", "; "),
    "even": ("an odd number of these changed: ", "; "),
}
_FINDING: dict[Mode, tuple[str, str]] = {
    "all": ("", "; "),
    "any": ("none of the alternatives holds: ", "; "),
    "one": ("none holds where exactly one has to: ", "; "),
    "only one": ("several hold where only one may: ", "; "),
    "odd": ("an even number holds where an odd number has to: ", "; "),
    "even": ("an odd number holds where an even number has to: ", "; "),
}

_OPEN = ("no alternative could be evaluated: ", "; ")
Tell = Callable[[FailedCriterion], Explanation]
Title = Callable[[str], str | None]


def told(cause: FailedPart, tell: Tell, title: Title) -> Explanation:
    """The texts of a cause; `title` names a definition that nothing more is known of."""
    if isinstance(cause, FailedCriterion):
        return tell(cause)
    if isinstance(cause, Unexplained):
        return _silent(cause, title)
    parts = list(dict.fromkeys(told(part, tell, title) for part in cause.parts))
    if len(parts) == 1:
        return parts[0]
    nested = [isinstance(part, FailedGroup) for part in cause.parts]
    of_all = (
        _OPEN
        if cause.mode == "any" and not any(map(decided, cause.parts))
        else _FINDING[cause.mode]
    )
    return Explanation(
        expected=_merged(
            [part.expected for part in parts], *_EXPECTED[cause.mode], nested=any(nested)
        ),
        actual=_merged([part.actual for part in parts], "", "; ", nested=False),
        finding=_merged([part.finding for part in parts], *of_all, nested=any(nested)),
    )


def _merged(texts: Sequence[str], prefix: str, joiner: str, *, nested: bool) -> str:
    unique = list(dict.fromkeys(texts))
    if len(unique) == 1:
        return unique[0]
    shown = [f"({text})" if nested and "; " in text else text for text in unique[:_SHOWN_PARTS]]
    more = len(unique) - _SHOWN_PARTS
    return prefix + joiner.join(shown) + (f"{joiner}and {more} more" if more > 0 else "")


def _silent(cause: Unexplained, title: Title) -> Explanation:
    if cause.definition is None:
        name = "the definition"
    else:
        name = title(cause.definition) or f"definition {short_id(cause.definition)}"
    wanted = "to hold" if cause.wanted else "not to hold"
    result = {"true": "it holds", "false": "it does not hold"}.get(
        cause.result, f"it is {cause.result}"
    )
    return Explanation(
        f"{name}: {wanted}",
        f"{result}; the results tell no more",
        f"{name}: {result}, expected {wanted}",
    )
