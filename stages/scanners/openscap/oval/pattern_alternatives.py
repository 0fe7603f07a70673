"""Patterns that match a few texts and no others: `^(yes|no)$` is "one of yes, no". Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.scanners.openscap.oval.pattern_pieces import (
    Piece,
    PieceKind,
    UnsupportedPatternError,
    split_pattern,
)

_MAX_LENGTH = 2000
_SPACES = frozenset((" ", "\\ "))


@dataclass(frozen=True)
class Alternatives:
    """All texts that a pattern matches."""

    texts: tuple[str, ...]
    ignores_case: bool = False
    """Small and capital letters are the same."""


def literal_alternatives(pattern: str) -> Alternatives | None:
    """The texts that a pattern like `^(a|b)$` or `^a$|^b$` matches; None for any other pattern.

    Every text has to be bound to both ends: `^a|b$` matches whatever starts with a.
    """
    if len(pattern) > _MAX_LENGTH:
        return None
    try:
        pieces = split_pattern(pattern)
    except UnsupportedPatternError:
        return None
    pieces, ignores_case = _without_case_flags(pieces)
    texts: list[str] = []
    for branch in _branches(pieces):
        inner = _between_anchors(branch)
        if inner is None:
            return None
        for alternative in _branches(_without_group(inner)):
            text = _plain_text(alternative)
            if text is None:
                return None
            texts.append(text)
    has_letters = any(character.isalpha() for text in texts for character in text)
    return Alternatives(tuple(dict.fromkeys(texts)), ignores_case and has_letters)


def _without_case_flags(pieces: Sequence[Piece]) -> tuple[list[Piece], bool]:
    """The pieces without `(?i)` at their start and `(?-i)` at their end, and whether it was there.

    A flag anywhere else stays, and such a pattern has no alternatives: it is for a part of them.
    """
    kept = list(pieces)
    ignores_case = False
    for place in (0, 1):
        is_flag = len(kept) > place and kept[place] == Piece(PieceKind.FLAGS, "(?i)")
        if is_flag and not ignores_case:
            del kept[place]
            ignores_case = True
    for place in (-1, -2):
        is_flag = len(kept) >= -place and kept[place] == Piece(PieceKind.FLAGS, "(?-i)")
        if is_flag and ignores_case:
            del kept[place]
            break
    return kept, ignores_case


def _branches(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces between the `|` that are in no group."""
    branches: list[list[Piece]] = [[]]
    depth = 0
    for piece in pieces:
        if piece.kind is PieceKind.GROUP:
            depth += 1
        if piece.kind is PieceKind.GROUP_END:
            depth -= 1
        if piece.kind is PieceKind.ALTERNATIVE and depth == 0:
            branches.append([])
        else:
            branches[-1].append(piece)
    return branches


def _between_anchors(branch: Sequence[Piece]) -> Sequence[Piece] | None:
    if len(branch) < 2:
        return None
    if branch[0].kind not in (PieceKind.LINE_START, PieceKind.FILE_START):
        return None
    if branch[-1].kind not in (PieceKind.LINE_END, PieceKind.FILE_END):
        return None
    return branch[1:-1]


def _without_group(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The content of a group that is all there is."""
    groups = [piece for piece in pieces if piece.kind is PieceKind.GROUP]
    if len(groups) != 1 or len(pieces) < 2:
        return pieces
    ends_with_group = pieces[-1] == Piece(PieceKind.GROUP_END, ")")
    if pieces[0].kind is PieceKind.GROUP and ends_with_group:
        return pieces[1:-1]
    return pieces


def _plain_text(pieces: Sequence[Piece]) -> str | None:
    text = ""
    for piece in pieces:
        is_space = piece.kind is PieceKind.BLANK and piece.text in _SPACES
        is_character = piece.kind is PieceKind.CHARACTER or is_space
        if not is_character or piece.quantifier:
            return None
        text += piece.text[-1]
    return text
