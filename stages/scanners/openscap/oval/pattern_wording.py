r"""What a regular expression looks for, in plain text, as far as that can be said. Pure.

`^\s*PASS_MAX_DAYS\s+(\d+)\s*$` looks for `PASS_MAX_DAYS` and a value. A pattern that has no plain
text (look-around, optional letters, nested repetition) gives None, and the caller shows the
expression itself: nothing is guessed.

How it works. The pattern is split into pieces: groups, classes, escapes, quantifiers, literals.
The anchors and `.*` at its ends are taken off first; they decide where in a line the text stands.
A walk over the other pieces writes one text per alternative. Literals are written as they are,
blanks as one blank, and whatever may be anything (a class, an optional part) as `…`. A capturing
group that has no literal of its own is the value; what stands before it names the setting:

    ^\s*PASS_MAX_DAYS\s+(\d+)\s*$
    ->  "PASS_MAX_DAYS" " " VALUE        text "PASS_MAX_DAYS …", name "PASS_MAX_DAYS"
    ^\s*gpgcheck\s*=\s*1$
    ->  "gpgcheck" "=" "1"               text "gpgcheck=1", equivalent, the whole line

A text is *equivalent* if the pattern requires it and nothing else, except for the number of blanks.
Everything that was written in fewer words than the pattern has (`…`, repetition, alternatives,
flags, word boundaries, a blank that must be a tab) makes it inequivalent: a reader must not take
"no line with TMOUT=" for the truth where TMOUT=900 is there and 600 is expected.
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
_LINE_START = frozenset(("^", r"\A"))
_LINE_END = frozenset(("$", r"\Z", r"\z"))
_ANCHORS = _LINE_START | _LINE_END | {r"\b"}
_ANY_TEXT = [".", "*"]
_BLANK_WITH_SPACE = re.compile(r"\\[sh]|\[.*(?:\\[sh]| |:space:|:blank:).*\]| ")
_BLANK_QUANTIFIERS = frozenset(("", "*", "+", "?", "*?", "+?", "??"))
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
    starts_line: bool
    """The text is at the start of a line, after blanks at most."""
    ends_line: bool
    is_equivalent: bool
    """The pattern requires the text, at that place, and nothing else."""
    is_literal: bool
    """Only this text matches, to the last character; a dot between words is taken for one."""


class _NoPlainTextError(Exception):
    """The pattern says more than a plain text can."""


@lru_cache(maxsize=1024)
def pattern_text(pattern: str) -> PatternText | None:
    """The plain text of a pattern; None where it has none."""
    if len(pattern) > _MAX_LENGTH:
        return None
    pieces = _PIECE.findall(pattern)
    pieces, starts_line = _without_start(pieces)
    pieces, ends_line = _without_end(pieces)
    walk = _PatternWalk(pieces)
    try:
        raw = walk.text()
    except (_NoPlainTextError, IndexError):
        return None
    text = _ANYTHING_AND_BLANKS.sub(f" {_ANYTHING} ", raw)
    shown = _BLANKS.sub(" ", text.replace(_VALUE, _ANYTHING)).strip()
    if not _WORD_CHARACTER.search(shown):
        return None
    # Blanks at an end, and several in a row, are not shown as the pattern requires them.
    shows_all_blanks = raw == raw.strip() and "  " not in raw
    is_complete = not walk.is_abridged and shows_all_blanks
    return PatternText(
        text=shown,
        name=_setting_name(text),
        starts_line=starts_line,
        ends_line=ends_line,
        is_equivalent=is_complete and not walk.has_bare_dot,
        is_literal=is_complete and starts_line and ends_line and " " not in raw,
    )


def _without_start(pieces: list[str]) -> tuple[list[str], bool]:
    """The pieces without an anchor or `.*` before them, and whether they start the line."""
    is_anchored = bool(pieces) and pieces[0] in _LINE_START
    if is_anchored:
        pieces = pieces[1:]
    if pieces[:2] == _ANY_TEXT:
        return pieces[2:], False
    return pieces, is_anchored


def _without_end(pieces: list[str]) -> tuple[list[str], bool]:
    """The pieces without an anchor or `.*` behind them, and whether they end the line."""
    is_anchored = bool(pieces) and pieces[-1] in _LINE_END
    if is_anchored:
        pieces = pieces[:-1]
    if pieces[-2:] == _ANY_TEXT:
        return pieces[:-2], False
    return pieces, is_anchored


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
        self.is_abridged = False
        """The text says less than the pattern."""
        self.has_bare_dot = False
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
            elif piece in _ANCHORS:
                self.is_abridged = True
            else:
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
            return self._blank(piece, quantifier, follows_word=follows_word)
        if piece == "." and not quantifier and follows_word and self._next().isalnum():
            # A dot between two words was meant as a dot, though it is not escaped.
            self.has_bare_dot = True
            return "."
        if piece == "." or piece.startswith("[") or _CLASS_ESCAPE.fullmatch(piece):
            return self._anything()
        return self._literal(piece, quantifier)

    def _anything(self) -> str:
        self.is_abridged = True
        return _ANYTHING

    def _blank(self, piece: str, quantifier: str, *, follows_word: bool) -> str:
        """Optional blanks separate two words all the same: `Defaults\\s*requiretty`."""
        if quantifier not in _BLANK_QUANTIFIERS or not _BLANK_WITH_SPACE.fullmatch(piece):
            self.is_abridged = True
        optional = quantifier.startswith(("*", "?"))
        before_word = self._next().isalnum() or self._next() in (r"\b", "-", r"\-")
        if optional and not (follows_word and before_word):
            return ""
        return " "

    def _literal(self, piece: str, quantifier: str) -> str:
        if quantifier.startswith(("*", "?")):
            return self._anything()
        if quantifier:
            self.is_abridged = True
            if not quantifier.startswith("+"):
                raise _NoPlainTextError
        is_escaped = len(piece) == 2
        if not is_escaped:
            return piece
        if piece[1].isalnum():
            # A back reference, or an escape that is not known here.
            raise _NoPlainTextError
        return piece[1]

    def _group(self, opening: str, depth: int) -> str:
        """The text of a group; its opening parenthesis has been read."""
        is_flags = opening.startswith("(?") and opening.endswith(")")
        if is_flags:
            self.is_abridged = True
            return ""
        if opening == "(" and self._next().startswith("?"):
            # Look-around, conditions, comments.
            raise _NoPlainTextError
        alternatives = self._alternatives(depth + 1)
        if self._next() != ")":
            raise _NoPlainTextError
        self._position += 1
        if self._take_quantifier():
            return self._anything()
        if len(alternatives) > 1:
            self.is_abridged = True
            return _choice(alternatives)
        return _group_text(opening, alternatives[0])

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


def _group_text(opening: str, content: str) -> str:
    """The content of a group, or the mark of a value where a capturing group may be anything."""
    may_be_anything = content != "" and content.strip(_ANYTHING) == ""
    if opening == "(" and may_be_anything:
        return _VALUE
    return content


def _choice(alternatives: list[str]) -> str:
    """Several alternatives as `(a|b)`; anything where one of them may be empty or anything."""
    if "" in alternatives:
        return _ANYTHING
    merged = "(" + "|".join(text.strip() for text in alternatives) + ")"
    if _ANYTHING in merged:
        return _ANYTHING
    return merged
