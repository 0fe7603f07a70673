r"""Splits a regular expression into pieces: groups, classes, anchors, blanks, characters. Pure.

`^\s*Port\s+(\d+)$` is split into

    ^    LINE_START        \s*   BLANK, quantifier *        P o r t   four times CHARACTER
    \s+  BLANK, +          (     GROUP                      \d+       CLASS, quantifier +
    )    GROUP_END         $     LINE_END

OVAL's expressions are those of Perl. Whatever this module does not know (look-around, back
references, verbs, possessive quantifiers) raises UnsupportedPatternError: a wording that rests on a
misread expression would be false.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto

from schemas.records import Struct


class UnsupportedPatternError(Exception):
    """The pattern has a part that is not known here."""


class PieceKind(Enum):
    CHARACTER = auto()
    BLANK = auto()
    """A blank, or a class of blanks."""
    CLASS = auto()
    """Any other class, and the dot: one of several characters."""
    DOT = auto()
    """A dot between two words, which was meant as a dot though it is not escaped."""
    GROUP = auto()
    GROUP_END = auto()
    ALTERNATIVE = auto()
    LINE_START = auto()
    LINE_END = auto()
    FILE_START = auto()
    FILE_END = auto()
    WORD_BOUNDARY = auto()
    FLAGS = auto()


class Piece(Struct, frozen=True):
    kind: PieceKind
    text: str
    """As in the pattern, without the quantifier; of a CHARACTER the character itself."""
    quantifier: str = ""
    """What follows the piece: `*`, `+?`, `{3}`. That of a group is with its GROUP_END."""

    @property
    def is_optional(self) -> bool:
        return self.quantifier.startswith(("*", "?", "{0"))

    @property
    def is_any_text(self) -> bool:
        """Whether this is `.*`."""
        return self.text == "." and self.quantifier == "*" and self.kind is PieceKind.CLASS


class PatternBody(Struct, frozen=True):
    """A pattern without the anchors, and `.*`, at its ends."""

    pieces: Sequence[Piece]
    starts_line: bool
    ends_line: bool
    has_file_anchor: bool
    """It is anchored at the start or end of the whole file: the line there has to match."""


_SYNTAX = {
    PieceKind.FLAGS: r"\(\?[a-zA-Z-]+\)",
    PieceKind.GROUP: r"\((?:\?:|\?P?<\w+>|(?![?*]))",
    PieceKind.GROUP_END: r"\)",
    PieceKind.ALTERNATIVE: r"\|",
    PieceKind.LINE_START: r"\^",
    PieceKind.LINE_END: r"\$",
    PieceKind.FILE_START: r"\\A",
    PieceKind.FILE_END: r"\\[zZ]",
    PieceKind.WORD_BOUNDARY: r"\\b",
    PieceKind.BLANK: r"\\[sht ]|\[(?:\\[sht]|[ ]|\[:(?:space|blank):\])+\]|[ ]",
    PieceKind.DOT: r"(?<=[A-Za-z0-9])\.(?=[A-Za-z0-9])",
    PieceKind.CLASS: (
        r"\.|\\[dDwWSHVNXRnrv]|\\[pP]\{\w+\}"
        r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"
    ),
    # A brace is a character where it does not start a quantifier: `@@{DBDIR}`.
    PieceKind.CHARACTER: r"\\[^A-Za-z0-9]|[^\\()\[*+?|{]|\{(?!\d*,?\d*\})",
}
"""The first kind that fits is taken."""
_PIECE = re.compile(
    "|".join(f"(?P<{kind.name}>{syntax})" for kind, syntax in _SYNTAX.items()), re.DOTALL
)
_QUANTIFIER = re.compile(r"[*+?]\??|\{\d{1,4}(?:,\d{0,4})?\}\??")
_WITH_QUANTIFIER = frozenset(
    (PieceKind.CHARACTER, PieceKind.BLANK, PieceKind.CLASS, PieceKind.GROUP_END)
)


def split_pattern(pattern: str) -> list[Piece]:
    """The pieces of a pattern in their order. Raises UnsupportedPatternError."""
    pieces: list[Piece] = []
    position = 0
    while position < len(pattern):
        piece, position = _next_piece(pattern, position)
        pieces.append(piece)
    return pieces


def _next_piece(pattern: str, start: int) -> tuple[Piece, int]:
    """The piece that starts here, and where it ends."""
    found = _PIECE.match(pattern, start)
    if found is None or found.lastgroup is None:
        raise UnsupportedPatternError(pattern[start : start + 10])
    kind, text, end = PieceKind[found.lastgroup], found[0], found.end()
    if kind is PieceKind.CHARACTER:
        text = text[-1]
    quantifier = _QUANTIFIER.match(pattern, end)
    if quantifier is None or kind not in _WITH_QUANTIFIER:
        # A quantifier after any other piece is refused next, since no kind of piece fits it.
        return Piece(kind, text), end
    return Piece(kind, text, quantifier[0]), quantifier.end()


def without_ends(pieces: Sequence[Piece]) -> PatternBody:
    """The pattern without its anchors and a `.*` beside them: `^.*x` looks for x anywhere."""
    kinds = {piece.kind for piece in pieces}
    has_file_anchor = bool(kinds & {PieceKind.FILE_START, PieceKind.FILE_END})
    starts_line = _is_kind(pieces[:1], PieceKind.LINE_START, PieceKind.FILE_START)
    if starts_line:
        pieces = pieces[1:]
    if pieces and pieces[0].is_any_text:
        pieces, starts_line = pieces[1:], False
    ends_line = _is_kind(pieces[-1:], PieceKind.LINE_END, PieceKind.FILE_END)
    if ends_line:
        pieces = pieces[:-1]
    if pieces and pieces[-1].is_any_text:
        pieces, ends_line = pieces[:-1], False
    return PatternBody(pieces, starts_line, ends_line, has_file_anchor)


def _is_kind(pieces: Sequence[Piece], *kinds: PieceKind) -> bool:
    return len(pieces) == 1 and pieces[0].kind in kinds
