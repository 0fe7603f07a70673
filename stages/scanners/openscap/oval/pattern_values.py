r"""Which values of a setting a pattern accepts, so that "is not set" is used only where it is true.

`^\s*Banner\s+(.+?)\s*(?:$|#)` accepts every value: where no line matches, Banner is not set.
`^TMOUT=(\d+)$` accepts numbers alone, and no comment behind them: where no line matches there may
still be a line `TMOUT=900 # seconds`.

How it works. Each piece of a pattern is one letter of its *shape*, and shapes are compared:

    ^\s*Banner\s+(.+?)\s*(?:$|#)   ->   bppppppb(t)b($|p)
    ^TMOUT=(\d+)$                  ->   pppppp(d)$

Pure.
"""

import re
from enum import Enum

from stages.scanners.openscap.oval.pattern_pieces import PatternBody, Piece, PieceKind
from stages.scanners.openscap.oval.pattern_walk import ANY_BLANKS

_REPEATED = frozenset(("*", "+", "*?", "+?"))
_DIGITS = frozenset((r"\d", "[0-9]", r"[\d]", "[[:digit:]]"))
_WHOLE_LINE = frozenset((".", r"[^\n]", r"[^\r\n]", r"[^\n\r]"))
"""Classes that leave out nothing of a line."""
_LETTERS = {
    PieceKind.GROUP: "(",
    PieceKind.ALTERNATIVE: "|",
    PieceKind.LINE_END: "$",
    PieceKind.WORD_BOUNDARY: "w",
    PieceKind.FLAGS: "p",
}
"""Flags only let more lines match."""
_OTHER = "x"
_NAME = r"[pbw]*"
"""Plain characters and blanks, with which a line that sets the setting starts."""
_ANY_VALUE = re.compile(
    # Text to the end of the line; or up to a comment, where what follows makes no difference.
    rf"{_NAME}\((?:t\)b*(?:\$|\(\$\|p\)|\(p\|\$\))?|n\)b*)"
)
_ANY_NUMBER = re.compile(
    # Not the end of the line: a comment may follow.
    rf"{_NAME}\(s?d\)b*(?:w|\(b\|\$\)|\(\$\|b\))?"
)


class ValueForm(Enum):
    """Which values of the named setting a pattern accepts."""

    ANY = "any"
    NUMBER = "number"
    OTHER = "other"
    """Some other form, or only in certain lines. Also where no setting is named."""


def value_form_of(body: PatternBody) -> ValueForm:
    """The form of the value that a pattern captures."""
    shape = "".join(map(_letter, body.pieces))
    if body.ends_line:
        shape += "$"
    if body.has_file_anchor:
        return ValueForm.OTHER
    if _ANY_VALUE.fullmatch(shape):
        return ValueForm.ANY
    if _ANY_NUMBER.fullmatch(shape):
        return ValueForm.NUMBER
    return ValueForm.OTHER


def _letter(piece: Piece) -> str:
    """p: plain, b: blanks, t: text of any kind, n: text up to something, d: digits, s: a sign."""
    if piece.quantifier == "" and piece.kind in _LETTERS:
        return _LETTERS[piece.kind]
    if piece.kind is PieceKind.BLANK and piece.quantifier in ANY_BLANKS:
        return "b"
    if piece.quantifier in _REPEATED:
        return _letter_of_repeated(piece)
    if piece == Piece(PieceKind.CHARACTER, "-", "?"):
        return "s"
    if piece.quantifier:
        return _OTHER
    return _letter_of_single(piece)


def _letter_of_repeated(piece: Piece) -> str:
    if piece.text in _WHOLE_LINE:
        return "t"
    if piece.text in _DIGITS:
        return "d"
    if piece.kind is PieceKind.CLASS and piece.text.startswith(("[^", r"\S")):
        return "n"
    return _OTHER


def _letter_of_single(piece: Piece) -> str:
    if piece.kind is PieceKind.GROUP_END:
        return ")"
    # A dot that is not escaped matches the dot as well.
    if piece.kind is PieceKind.CHARACTER or piece.text == ".":
        return "p"
    return _OTHER
