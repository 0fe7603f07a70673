r"""What a regular expression looks for, in plain text, as far as that can be said. Pure.

`^\s*PASS_MAX_DAYS\s+(\d+)\s*$` looks for `PASS_MAX_DAYS` and a value. A pattern that has no plain
text (look-around, optional letters, nested repetition) gives None, and the caller shows the
expression itself: nothing is guessed.

How it works. The pattern is split into pieces: groups, classes, escapes, quantifiers, literals.
A walk over the pieces writes one text per alternative. Literals are written as they are, blanks as
one blank, and whatever may be anything (`.*`, a class, an optional part) as `…`. A capturing group
that has no literal of its own is the value; what stands before it names the setting:

    ^\s*PASS_MAX_DAYS\s+(\d+)\s*$
    ->  "PASS_MAX_DAYS" " " VALUE        text "PASS_MAX_DAYS", name "PASS_MAX_DAYS"
    ^(?:UMASK|umask)\s+\d+
    ->  "(UMASK|umask)" " " "…"          text "(UMASK|umask)", no name: nothing is captured
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_PIECE = re.compile(
    r"""
    \( (?: \?[a-zA-Z-]+\) | \?: | \?<\w+> | \?P<\w+> )?   # a group, or flags
    | \\[pP]\{\w+\}                                       # a Unicode property
    | \\.
    | \[ \^? \]? (?: \[:\w+:\] | \\. | [^\]\\] )* \]       # a class
    | [*+?]\??
    | \{\d*,?\d*\}\??
    | [\^$.|)]
    | [^\\]
    """,
    re.DOTALL | re.VERBOSE,
)
_BLANK = re.compile(r"\\[sh]|\[(?:\\[sht]| |\[:(?:space|blank):\])+\]| |\\t")
_CLASS_ESCAPE = re.compile(r"\\[dDwWSNXRnr]")
_QUANTIFIER = re.compile(r"[*+?]\??|\{\d*,?\d*\}\??")
_QUANTIFIER_START = re.compile(r"[*+?{]")
_MAX_QUANTIFIER = 12
_ANCHORS = frozenset(("^", "$", r"\b", r"\A", r"\Z", r"\z"))
_ANYTHING = "…"
_VALUE = "\0"
_ANYTHING_AND_BLANKS = re.compile(rf"[ ]*{_ANYTHING}[{_ANYTHING} ]*")
_BLANKS = re.compile(r" +")
_LETTER = re.compile(r"[A-Za-z]")
_WORD_CHARACTER = re.compile(r"\w")
_CASE_FLAG = re.compile(r"\(\?-?i\)")
_ALTERNATIVES = re.compile(r"\^\(?(?:\?:)?([\w./:@ -]*(?:\|[\w./:@ -]+)*)\)?\$")
_MAX_LENGTH = 2000
_MAX_DEPTH = 20


@dataclass(frozen=True)
class PatternText:
    """A pattern in plain text, `…` standing for anything."""

    text: str
    name: str | None
    """What comes before the captured value: the name of a setting."""
    exact: bool
    """The text is all of the pattern: nothing before, within or after it is left open."""


class _NoPlainTextError(Exception):
    """The pattern says more than a plain text can."""


@lru_cache(maxsize=1024)
def pattern_text(pattern: str) -> PatternText | None:
    """The plain text of a pattern; None where it has none."""
    if len(pattern) > _MAX_LENGTH:
        return None
    try:
        raw = _PatternWalk(_PIECE.findall(pattern)).text()
    except (_NoPlainTextError, IndexError):
        return None
    text = _ANYTHING_AND_BLANKS.sub(f" {_ANYTHING} ", raw)
    shown = _BLANKS.sub(" ", text.replace(_VALUE, _ANYTHING)).strip(f" {_ANYTHING}")
    if not _WORD_CHARACTER.search(shown):
        return None
    return PatternText(shown, _setting_name(text), raw == shown)


def literal_alternatives(pattern: str) -> list[str] | None:
    """The alternatives of a pattern like `^(a|b)$`, or of `^(?i)a(?-i)$`; None for any other."""
    if len(pattern) > _MAX_LENGTH:
        return None
    pattern = _CASE_FLAG.sub("", pattern)
    found = _ALTERNATIVES.fullmatch(pattern.replace(r"\.", "."))
    if found is None:
        return None
    unescaped_dot = "." in pattern.replace(r"\.", "")
    if unescaped_dot and "." in found[1]:
        return None
    return found[1].split("|")


def ignores_case(pattern: str) -> bool:
    """Whether its letters stand for small and capital ones."""
    return "(?i)" in pattern and _LETTER.search(_CASE_FLAG.sub("", pattern)) is not None


def _setting_name(text: str) -> str | None:
    before, value, _ = text.partition(_VALUE)
    if not value:
        return None
    name = before.split(_ANYTHING)[-1].strip(" =:\"'").lstrip("({[")
    if not _WORD_CHARACTER.search(name):
        return None
    return name


class _PatternWalk:
    """Walks over the pieces of a pattern and writes its plain text."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._position = 0

    def text(self) -> str:
        alternatives = self._alternatives(0)
        if self._position < len(self._pieces) or len(alternatives) > 1:
            raise _NoPlainTextError
        return alternatives[0]

    def _alternatives(self, depth: int) -> list[str]:
        """The texts of the alternatives up to the end of a group, or of the pattern."""
        if depth > _MAX_DEPTH:
            raise _NoPlainTextError
        alternatives = [""]
        while self._position < len(self._pieces) and self._next() != ")":
            piece = self._next()
            self._position += 1
            if piece == "|":
                alternatives.append("")
            elif piece.startswith("("):
                alternatives[-1] += self._group(piece, depth)
            elif piece not in _ANCHORS:
                alternatives[-1] += self._single(piece)
        return alternatives

    def _single(self, piece: str) -> str:
        """The text of a blank, a class or a literal with its quantifier."""
        if _QUANTIFIER_START.match(piece):
            # A quantifier after an anchor or another quantifier.
            raise _NoPlainTextError
        follows_word = self._previous().isalnum()
        quantifier = self._take_quantifier()
        if _BLANK.fullmatch(piece):
            return self._blank(quantifier, follows_word=follows_word)
        if piece == "." and not quantifier and follows_word and self._next().isalnum():
            # A dot between two words was meant as a dot, though it is not escaped.
            return "."
        if piece == "." or piece.startswith("[") or _CLASS_ESCAPE.fullmatch(piece):
            return _ANYTHING
        return self._literal(piece, quantifier)

    def _blank(self, quantifier: str, *, follows_word: bool) -> str:
        """Optional blanks separate two words all the same: `Defaults\\s*requiretty`."""
        optional = quantifier.startswith(("*", "?"))
        before_word = self._next().isalnum() or self._next() in (r"\b", "-", r"\-")
        if optional and not (follows_word and before_word):
            return ""
        return " "

    def _literal(self, piece: str, quantifier: str) -> str:
        if quantifier.startswith(("*", "?")):
            return _ANYTHING
        if quantifier and not quantifier.startswith("+"):
            raise _NoPlainTextError
        escaped = len(piece) == 2
        if not escaped:
            return piece
        if piece[1].isalnum():
            # A back reference, or an escape that is not known here.
            raise _NoPlainTextError
        return piece[1]

    def _group(self, opening: str, depth: int) -> str:
        """The text of a group; its opening parenthesis has been read."""
        is_flags = opening.startswith("(?") and opening.endswith(")")
        if is_flags:
            return ""
        if opening == "(" and self._next().startswith("?"):
            # Look-around, conditions, comments.
            raise _NoPlainTextError
        alternatives = self._alternatives(depth + 1)
        if self._next() != ")":
            raise _NoPlainTextError
        self._position += 1
        if self._take_quantifier():
            return _ANYTHING
        if len(alternatives) > 1:
            return _choice(alternatives)
        content = alternatives[0]
        holds_a_value = content != "" and content.strip(_ANYTHING) == ""
        if opening == "(" and holds_a_value:
            return _VALUE
        return content

    def _previous(self) -> str:
        """The piece before the one that is being read."""
        if self._position < 2:
            return ""
        return self._pieces[self._position - 2]

    def _next(self) -> str:
        if self._position < len(self._pieces):
            return self._pieces[self._position]
        return ""

    def _take_quantifier(self) -> str:
        piece = self._next()
        if len(piece) > _MAX_QUANTIFIER or not _QUANTIFIER.fullmatch(piece):
            return ""
        self._position += 1
        return piece


def _choice(alternatives: list[str]) -> str:
    """Several alternatives as `(a|b)`; anything where one of them may be empty or anything."""
    if "" in alternatives:
        return _ANYTHING
    merged = "(" + "|".join(text.strip() for text in alternatives) + ")"
    if _ANYTHING in merged:
        return _ANYTHING
    return merged
