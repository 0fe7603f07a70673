r"""Which values of a setting a pattern accepts, so that "is not set" is said only where it is true.

`^\s*Banner\s+(.+?)\s*(?:$|#)` accepts every value: where no line matches, Banner is not set.
`^TMOUT=(\d+)$` accepts numbers alone, and no comment behind them: where no line matches there may
still be a line `TMOUT=900 # seconds`. Pure.
"""

from collections.abc import Sequence
from enum import Enum

from stages.scanners.openscap.oval.pattern_pieces import PatternBody, Piece, PieceKind
from stages.scanners.openscap.oval.pattern_walk import ANY_BLANKS

_REPEATED = frozenset(("*", "+", "*?", "+?"))
_DIGITS = frozenset((r"\d", "[0-9]", r"[\d]", "[[:digit:]]"))
_WHOLE_LINE = frozenset((".", r"[^\n]", r"[^\r\n]", r"[^\n\r]"))
"""Classes that leave out nothing of a line."""
_ENDS_OF_NUMBER = frozenset(
    (
        frozenset[PieceKind](),
        frozenset((PieceKind.WORD_BOUNDARY,)),
        frozenset((PieceKind.BLANK, PieceKind.LINE_END)),
    )
)
"""What follows a number wherever one stands alone. The end of the line does not: a comment may."""
_CHOICE_OF_TWO = [PieceKind.GROUP, PieceKind.ALTERNATIVE, PieceKind.GROUP_END]
"""Every other piece of `(?:$|#)`."""


class ValueForm(Enum):
    """Which values of the named setting a pattern accepts."""

    ANY = "any"
    NUMBER = "number"
    OTHER = "other"
    """Some other form, or only in certain lines. Also where no setting is named."""


def value_form_of(body: PatternBody) -> ValueForm:
    """The form of the value in the first group of a pattern.

    Before the value stand characters and blanks alone, and behind it optional blanks and an end
    that every line has. In any other pattern there is more to a line than the value.
    """
    kinds = [piece.kind for piece in body.pieces]
    start, end = kinds.index(PieceKind.GROUP), kinds.index(PieceKind.GROUP_END)
    before, value = body.pieces[:start], body.pieces[start + 1 : end]
    is_plain_before = all(_is_plain(piece) for piece in before)
    if not is_plain_before or body.pieces[end].quantifier or body.has_file_anchor:
        return ValueForm.OTHER
    ends = _ends_of_value(body.pieces[end + 1 :], ends_line=body.ends_line)
    if ends is None:
        return ValueForm.OTHER
    has_sign = len(value) == 2 and value[0] == Piece(PieceKind.CHARACTER, "-", "?")
    if has_sign:
        return _form_of_number(value[1:], ends)
    if _form_of_number(value, ends) is ValueForm.NUMBER:
        return ValueForm.NUMBER
    return _form_of_text(value, ends)


def _form_of_number(value: Sequence[Piece], ends: frozenset[PieceKind]) -> ValueForm:
    """Every number has these digits, and one of these ends."""
    is_digits = len(value) == 1 and value[0].text in _DIGITS and value[0].quantifier in _REPEATED
    if is_digits and ends in _ENDS_OF_NUMBER:
        return ValueForm.NUMBER
    return ValueForm.OTHER


def _form_of_text(value: Sequence[Piece], ends: frozenset[PieceKind]) -> ValueForm:
    """Every value has these characters, and one of these ends."""
    if len(value) != 1 or value[0].quantifier not in _REPEATED:
        return ValueForm.OTHER
    characters = value[0].text
    reaches_end = not ends or PieceKind.LINE_END in ends
    if characters in _WHOLE_LINE and reaches_end:
        return ValueForm.ANY
    # A class that leaves characters out stops at a comment, and then the line goes on.
    leaves_characters_out = characters == r"\S" or characters.startswith("[^")
    if leaves_characters_out and not ends:
        return ValueForm.ANY
    return ValueForm.OTHER


def _ends_of_value(after: Sequence[Piece], *, ends_line: bool) -> frozenset[PieceKind] | None:
    """What may stand behind a value: nothing, or one of `(?:$|#)`; None for anything else."""
    while after and after[0].kind is PieceKind.BLANK and after[0].is_optional:
        after = after[1:]
    if not after and ends_line:
        return frozenset((PieceKind.LINE_END,))
    if not after:
        return frozenset()
    if len(after) == 1 and after[0].kind is PieceKind.WORD_BOUNDARY:
        return frozenset((PieceKind.WORD_BOUNDARY,))
    is_choice = len(after) == 5 and [piece.kind for piece in after[::2]] == _CHOICE_OF_TWO
    has_quantifier = any(piece.quantifier for piece in after)
    if not is_choice or has_quantifier:
        return None
    return frozenset((after[1].kind, after[3].kind))


def _is_plain(piece: Piece) -> bool:
    """Whether a setting that is written as usual matches the piece; flags only let more match."""
    if piece.kind in (PieceKind.FLAGS, PieceKind.WORD_BOUNDARY):
        return True
    if piece == Piece(PieceKind.CLASS, "."):
        return True
    if piece.kind is PieceKind.BLANK:
        return piece.quantifier in ANY_BLANKS
    return piece.kind is PieceKind.CHARACTER and not piece.quantifier
