r"""Whether a pattern for paths matches a path, or one below it. Pure.

Python's own engine can't answer the second question: it finds that `^/var/.*\.conf$` does not match
`/var/lib/x`, but not that it could match a path below. So the pieces of the pattern are taken one
by one, each with all positions in the path that a match can have reached behind it:

    ^/s?bin  over  /usr      ^ {0}   / {1}   s? {1}   b {}     nothing below /usr can match
    ^/u.*x$  over  /usr      ^ {0}   / {1}   u {2}   .* {2,3,4}   x: the end was reached, it can

A pattern that is not understood counts as one that matches.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from stages.scanners.openscap.oval.pattern_pieces import (
    Piece,
    PieceKind,
    UnsupportedPatternError,
    split_pattern,
)

_MAX_LENGTH = 2000
_MAX_DEPTH = 6
"""Each level of repeated groups multiplies the time."""
_REPEATED = re.compile(r"[*+]|\{(?!(?:[01],)?1\})")
"""The beginning of a quantifier that is met by more than one match."""
_STARTS = frozenset((PieceKind.LINE_START, PieceKind.FILE_START))
_ENDS = frozenset((PieceKind.LINE_END, PieceKind.FILE_END))


def may_match_below(pattern: str, path: str) -> bool:
    """Whether the pattern could match this path or one that begins with it and a slash."""
    walk = _walked(pattern, path)
    return walk is None or walk.reached_end or walk.matched


def matches_path(pattern: str, path: str) -> bool:
    """Whether the pattern matches this very path."""
    walk = _walked(pattern, path)
    return walk is None or walk.matched


@lru_cache(maxsize=1024)
def _walked(pattern: str, path: str) -> "_Walk | None":
    """None for a pattern that is not understood."""
    if len(pattern) > _MAX_LENGTH:
        return None
    try:
        return _Walk(split_pattern(pattern), path)
    except UnsupportedPatternError:
        return None


class _Walk:
    """One walk over a pattern. A position is a number of characters of the path."""

    def __init__(self, pieces: Sequence[Piece], path: str) -> None:
        self.reached_end = False
        """A match can have consumed the whole path."""
        self._pieces = pieces
        self._path = path
        everywhere = frozenset(range(len(path) + 1))
        positions, end = self._alternatives(0, everywhere, 0)
        if end != len(pieces):
            raise UnsupportedPatternError("a parenthesis too many")
        self.matched = bool(positions)

    def _alternatives(
        self, start: int, positions: frozenset[int], depth: int
    ) -> tuple[frozenset[int], int]:
        """The positions behind the alternatives that begin at a piece, and the index of the piece
        that ends them."""
        if depth > _MAX_DEPTH:
            raise UnsupportedPatternError("groups in groups")
        found: frozenset[int] = frozenset()
        current = positions
        at = start
        while at < len(self._pieces):
            piece = self._pieces[at]
            if piece.kind is PieceKind.GROUP_END:
                break
            if piece.kind is PieceKind.GROUP:
                current, at = self._group(at, current, depth)
                continue
            if piece.kind is PieceKind.ALTERNATIVE:
                # The next alternative begins where the first one began.
                found |= current
                current = positions
            else:
                current = self._single(piece, current)
            at += 1
        return found | current, at

    def _group(
        self, start: int, positions: frozenset[int], depth: int
    ) -> tuple[frozenset[int], int]:
        found, end = self._alternatives(start + 1, positions, depth + 1)
        if end == len(self._pieces):
            raise UnsupportedPatternError("a group without end")

        def once_more(reached: frozenset[int]) -> frozenset[int]:
            return self._alternatives(start + 1, reached, depth + 1)[0]

        return _quantified(self._pieces[end], positions, found, once_more), end + 1

    def _single(self, piece: Piece, positions: frozenset[int]) -> frozenset[int]:
        if piece.kind in _STARTS:
            return positions & {0}
        if piece.kind in _ENDS:
            return positions & {len(self._path)}
        if piece.kind is PieceKind.WORD_BOUNDARY:
            return positions
        if piece.kind is PieceKind.FLAGS:
            raise UnsupportedPatternError("flags")
        once_more = partial(self._consumed, piece)
        return _quantified(piece, positions, once_more(positions), once_more)

    def _consumed(self, piece: Piece, positions: frozenset[int]) -> frozenset[int]:
        """The positions one character further.

        A match that has reached the end of the path could go on in a path below it.
        """
        self.reached_end |= len(self._path) in positions
        found = set()
        for position in positions:
            if position < len(self._path) and _fits(piece, self._path[position]):
                found.add(position + 1)
        return frozenset(found)


def _quantified(
    piece: Piece,
    positions: frozenset[int],
    once: frozenset[int],
    once_more: Callable[[frozenset[int]], frozenset[int]],
) -> frozenset[int]:
    """The positions behind a piece, or a group with its end, from those behind one match of it."""
    found = once
    new = once
    # Only positions that were not reached before are taken further, of which there are no more than
    # the path has characters: the loop ends, also for an empty match.
    while new and _REPEATED.match(piece.quantifier):
        new = once_more(new) - found
        found |= new
    if piece.is_optional:
        found |= positions
    return found


@lru_cache(maxsize=4096)
def _fits(piece: Piece, character: str) -> bool:
    if piece.kind is PieceKind.CHARACTER:
        return piece.text == character
    try:
        return re.fullmatch(piece.text, character, re.DOTALL) is not None
    except re.error:
        return True
