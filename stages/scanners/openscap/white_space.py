"""Line breaks between the elements of a checklist that have no white space between them.

oscap reads the next node after each element of a checklist. Where no white space follows, that node
is the next element, which is then skipped: of the rules `<Rule …>…</Rule><Rule …>…</Rule>` one is
lost, and of the selections `<select …/><select …/>` of a profile every second one. White space
between these elements has no meaning; they never occur within text, where it would have one.
"""

import re
from typing import BinaryIO

_ELEMENTS = (
    *("select", "set-value", "refine-value", "refine-rule"),
    *("Profile", "Rule", "Group", "Value", "check", "complex-check"),
)
_CLOSE = re.compile(rb">(?=<(?:[\w.-]{1,32}:)?(?:" + "|".join(_ELEMENTS).encode() + rb")[\s/>])")
_LONGEST_BYTES = 64
"""More than the longest text that decides: a bracket, a prefix, a name."""
_CHUNK = 1 << 20


class LineBreaks:
    """Adds line breaks to content that comes in pieces."""

    def __init__(self) -> None:
        self.count = 0
        self._held_back = b""

    def add(self, piece: bytes) -> bytes:
        """The next piece with its line breaks; its end is held back until more is known."""
        piece = self._held_back + piece
        self._held_back = piece[-_LONGEST_BYTES:]
        return self._broken(piece, len(piece) - len(self._held_back))

    def rest(self) -> bytes:
        """The end of the last piece, which was held back."""
        return self._broken(self._held_back, len(self._held_back))

    def _broken(self, piece: bytes, length: int) -> bytes:
        """The first `length` bytes of a piece with line breaks; those behind them only decide."""
        parts = []
        at = 0
        for match in _CLOSE.finditer(piece):
            if match.end() > length:
                break
            parts.append(piece[at : match.end()])
            at = match.end()
        self.count += len(parts)
        parts.append(piece[at:length])
        return b"\n".join(parts)


def lacks_white_space(stream: BinaryIO) -> bool:
    """Whether content needs line breaks. Raises OSError."""
    line_breaks = LineBreaks()
    while chunk := stream.read(_CHUNK):
        line_breaks.add(chunk)
        if line_breaks.count:
            return True
    line_breaks.rest()
    return line_breaks.count > 0
