r"""Patterns that match a few texts and no others: `^(yes|no)$` is "one of yes, no". Pure.

Each text has to be anchored at both ends: `^a|b$` also matches any text that starts with a. A flag
to ignore case has to apply to the whole pattern, which that of `^a(?i)b$` does not.
"""

import re

from schemas.records import Struct

_MAX_LENGTH = 2000
_TEXT = r"(?:[^\\()\[\]{}*+?|^$.]|\\[^A-Za-z0-9|])*"
"""Characters without a meaning of their own, or escaped."""
_IN_GROUP = re.compile(
    rf"(?P<flag>\(\?i\))?(?:\^|\\A)(?P<inner_flag>\(\?i\))?"
    rf"(?:\((?:\?:)?(?P<texts>{_TEXT}(?:\|{_TEXT})*)\)|(?P<text>{_TEXT}))"
    rf"(?:\(\?-i\))?(?:\$|\\[zZ])(?:\(\?-i\))?"
)
"""`^(a|b)$`, `^a$`, `^(?i)a(?-i)$`"""
_EACH_ANCHORED = re.compile(rf"\^(?P<first>{_TEXT})\$(?P<others>(?:\|\^{_TEXT}\$)+)")
"""`^a$|^b$`"""
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Alternatives(Struct, frozen=True):
    """All texts that a pattern matches."""

    texts: tuple[str, ...]
    ignores_case: bool = False
    """The pattern matches them in any case."""


def literal_alternatives(pattern: str) -> Alternatives | None:
    """The texts that a pattern like `^(a|b)$` or `^a$|^b$` matches; None for any other pattern."""
    if len(pattern) > _MAX_LENGTH:
        return None
    each_anchored = _EACH_ANCHORED.fullmatch(pattern)
    if each_anchored is not None:
        return Alternatives(_split(pattern.replace("|^", "|").replace("$|", "|")[1:-1]))
    in_group = _IN_GROUP.fullmatch(pattern)
    if in_group is None:
        return None
    texts = _split(in_group["texts"] or in_group["text"] or "")
    has_flag = bool(in_group["flag"] or in_group["inner_flag"])
    has_letters = any(map(str.isalpha, "".join(texts)))
    return Alternatives(texts, ignores_case=has_flag and has_letters)


def _split(texts: str) -> tuple[str, ...]:
    """The texts between `|`, each once and without escapes."""
    unescaped = [_ESCAPED.sub(r"\1", text) for text in texts.split("|")]
    return tuple(dict.fromkeys(unescaped))
