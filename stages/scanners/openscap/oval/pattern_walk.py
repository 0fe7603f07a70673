"""Walks over the pieces of a pattern and writes its plain text. Pure.

Three marks in the text stand for parts that have no characters: `ANYTHING`, the captured `VALUE`,
and an `OPTIONAL_BLANK`, which is shown or left out once its neighbours are known.
"""

import re
from collections.abc import Sequence

from stages.scanners.openscap.oval.pattern_pieces import (
    Piece,
    PieceKind,
    UnsupportedPatternError,
)

ANYTHING = "…"
VALUE = "\x01"
OPTIONAL_BLANK = "\x02"
MARKS = re.compile(rf"[{ANYTHING}\x00-\x08]")
"""No pattern that holds one of them has a plain text."""
ANY_BLANKS = frozenset(("", "*", "+", "?", "*?", "+?", "??"))
"""The quantifiers of blanks whose number makes no difference to a reader."""
_ANYTHING = re.compile(f"{ANYTHING}+")
_INCLUDES_SPACE = re.compile(r"\\[sh ]|[ ]|:space:|:blank:")
_MAX_DEPTH = 20


class PatternWalk:
    """Walks over the pieces of a pattern and writes its plain text."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.is_abridged = False
        """Whether the text requires less than the pattern."""
        self.has_bare_dot = False
        self._pieces = pieces
        self._position = 0

    def text(self) -> str:
        """The whole text. Raises UnsupportedPatternError for a pattern with several texts."""
        alternatives = self._alternatives(0)
        is_at_end = self._position == len(self._pieces)
        if not is_at_end or len(alternatives) > 1:
            raise UnsupportedPatternError("alternatives outside of a group")
        return alternatives[0]

    def _alternatives(self, depth: int) -> list[str]:
        """The texts of the alternatives up to the end of a group, or of the pattern."""
        if depth > _MAX_DEPTH:
            raise UnsupportedPatternError("groups in groups")
        alternatives = [""]
        while self._position < len(self._pieces):
            piece = self._pieces[self._position]
            if piece.kind is PieceKind.GROUP_END:
                break
            self._position += 1
            if piece.kind is PieceKind.ALTERNATIVE:
                alternatives.append("")
            elif piece.kind is PieceKind.GROUP:
                alternatives[-1] += self._group(piece, depth)
            else:
                alternatives[-1] += self._single(piece)
        return alternatives

    def _single(self, piece: Piece) -> str:
        """The text of a blank, a class, a character or an anchor."""
        if piece.kind is PieceKind.BLANK:
            return self._blank(piece)
        if piece.kind is PieceKind.CHARACTER:
            return self._character(piece)
        if piece.kind is PieceKind.CLASS:
            return self._anything()
        if piece.kind is PieceKind.DOT:
            self.has_bare_dot = True
            return piece.text
        # An anchor or a flag inside the pattern cannot be shown.
        self.is_abridged = True
        return ""

    def _blank(self, piece: Piece) -> str:
        is_any_blank = _INCLUDES_SPACE.search(piece.text) is not None
        if not is_any_blank or piece.quantifier not in ANY_BLANKS:
            self.is_abridged = True
        if piece.is_optional:
            return OPTIONAL_BLANK
        return " "

    def _character(self, piece: Piece) -> str:
        if piece.is_optional:
            return self._anything()
        if piece.quantifier:
            self.is_abridged = True
        return piece.text

    def _anything(self) -> str:
        self.is_abridged = True
        return ANYTHING

    def _group(self, opening: Piece, depth: int) -> str:
        """The text of a group; its opening parenthesis has been read."""
        alternatives = self._alternatives(depth + 1)
        if self._position == len(self._pieces):
            raise UnsupportedPatternError("a group without end")
        end = self._pieces[self._position]
        self._position += 1
        if end.quantifier:
            return self._anything()
        if len(alternatives) > 1:
            self.is_abridged = True
            return _choice(alternatives)
        content = alternatives[0]
        captures = opening.text != "(?:"
        if captures and _ANYTHING.fullmatch(content):
            return VALUE
        return content


def _choice(alternatives: Sequence[str]) -> str:
    """Several alternatives as `(a|b)`; anything where one of them may be empty or anything."""
    texts = [text.replace(OPTIONAL_BLANK, " ").strip() for text in alternatives]
    merged = "(" + "|".join(texts) + ")"
    if "" in texts or MARKS.search(merged):
        return ANYTHING
    return merged
