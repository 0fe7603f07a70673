"""Marked-up XCCDF text to plain text.

Lists, code and line breaks are kept, markup is not; a `sub` element becomes the value that it
refers to. Pure.
"""

import re
from collections.abc import Mapping

from stages.scap.xml_records import Element, local

_BLOCKS = frozenset(
    ("p", "div", "ul", "ol", "li", "table", "tr", "dl", "dt", "dd", "blockquote", "pre")
)
_EMPTY_LINES = re.compile(r"\n{3,}")
_DISCUSSION = re.compile(r"<VulnDiscussion>(.*?)(</VulnDiscussion>|$)", re.DOTALL)
"""STIG content hides its description in a text that looks like XML."""


def readable(element: Element | None, values: Mapping[str, str]) -> str | None:
    """The text of a title, description or rationale; None where there is none."""
    if element is None:
        return None
    text = _plain_text(element, values)
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    if "<VulnDiscussion>" in text and (discussion := _DISCUSSION.search(text)):
        text = discussion[1]
    return text.strip("\n") or None


def profile_title(element: Element) -> str:
    """A profile's title as the scanner itself shows it.

    The server files scans under it, so it must not differ by a blank.
    """
    lines = "".join(map(str, element.itertext())).strip().splitlines()
    return " ".join(line.strip() for line in lines)


def verbatim(element: Element, values: Mapping[str, str]) -> str:
    """The text of a fix: every blank and line break as it is, values filled in."""
    parts = [element.text or ""]
    for child in element:
        if local(child) == "sub":
            parts.append(_value(child, values))
        else:
            parts.append(verbatim(child, values))
        parts.append(child.tail or "")
    return "".join(parts)


def one_line(text: str | None) -> str | None:
    """Text without line breaks and double blanks; None where nothing is left."""
    return " ".join((text or "").split()) or None


def _plain_text(element: Element, values: Mapping[str, str]) -> str:
    if not len(element):
        lines = (element.text or "").split("\n")
        return "\n".join([" ".join(line.split()) for line in lines])
    writer = _TextWriter(values)
    writer.write(element, preformatted=False)
    return writer.text()


def _value(element: Element, values: Mapping[str, str]) -> str:
    name = element.get("idref", "")
    return values.get(name, f"({name})")


class _TextWriter:
    """Collects lines; `preformatted` text keeps its blanks."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._lines: list[str] = []
        self._line = ""

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines)

    def write(self, element: Element, *, preformatted: bool) -> None:
        if text := element.text:
            self._add(text, preformatted=preformatted)
        is_numbered = local(element) == "ol"
        for number, child in enumerate(element, 1):
            bullet = "- "
            if is_numbered:
                bullet = f"{number}. "
            self._write_child(child, bullet, preformatted=preformatted)
            if tail := child.tail:
                self._add(tail, preformatted=preformatted)

    def _write_child(self, child: Element, bullet: str, *, preformatted: bool) -> None:
        """`bullet` is for the items of lists."""
        name = local(child)
        if name == "sub":
            self._add(_value(child, self._values), preformatted=True)
        elif name == "br":
            self._end_line()
        elif name in _BLOCKS:
            self._start_line()
            if name == "li":
                self._line = bullet
            self.write(child, preformatted=preformatted or name == "pre")
            self._start_line()
        else:
            self.write(child, preformatted=preformatted)

    def _add(self, text: str, *, preformatted: bool) -> None:
        first, *others = text.split("\n")
        self._add_piece(first, preformatted=preformatted)
        for piece in others:
            self._end_line()
            self._add_piece(piece, preformatted=preformatted)

    def _add_piece(self, piece: str, *, preformatted: bool) -> None:
        if preformatted:
            self._line += piece
        else:
            self._add_words(piece)

    def _add_words(self, piece: str) -> None:
        """A piece of a line with single blanks, also where it meets the pieces around it."""
        if not piece:
            return
        words = " ".join(piece.split())
        if piece[0].isspace() and self._line and not self._line.endswith(" "):
            self._line += " "
        if not words:
            return
        self._line += words
        if piece[-1].isspace():
            self._line += " "

    def _start_line(self) -> None:
        if self._line.strip():
            self._end_line()
        self._line = ""

    def _end_line(self) -> None:
        self._lines.append(self._line.rstrip())
        self._line = ""
