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

from stages.scanners.openscap.oval.pattern_pieces import PatternBody, Piece

_SYNTAX = {
    # Text of any kind, and digits.
    "t": r"CLASS (?:\.|\[\^\\n\]|\[\^\\r\\n\]|\[\^\\n\\r\])[*+]\??",
    "d": r"CLASS (?:\\d|\[0-9\]|\[\\d\]|\[\[:digit:\]\])[*+]\??",
    # Text up to something.
    "n": r"CLASS (?:\[\^|\\S).*[*+]\??",
    # A sign, and blanks in any number.
    "s": r"CHARACTER -\?",
    "b": r"BLANK [^{]+",
    # Plain: a dot that is not escaped matches the dot as well, and flags only let more match.
    "p": r"CHARACTER .|DOT \.|CLASS \.|FLAGS .+",
    "(": r"GROUP .+",
    ")": r"GROUP_END \)",
    "|": r"ALTERNATIVE .",
    "$": r"LINE_END .",
    "w": r"WORD_BOUNDARY .+",
}
"""The letters of the pieces, by their kind, text and quantifier."""
_PIECES = {letter: re.compile(syntax, re.DOTALL) for letter, syntax in _SYNTAX.items()}
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
    written = f"{piece.kind.name} {piece.text}{piece.quantifier}"
    for letter, expression in _PIECES.items():
        if expression.fullmatch(written):
            return letter
    return _OTHER
