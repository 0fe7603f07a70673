"""Marked-up XCCDF text to plain text that people can read.

Lists, code and line breaks are kept, markup is not; `sub` becomes the value it stands for. Pure.
"""

import re
from collections.abc import Mapping

from stages.scap.xml_records import Element, local

_BLOCKS = frozenset(
    ("p", "div", "ul", "ol", "li", "table", "tr", "dl", "dt", "dd", "blockquote", "pre")
)
_EMPTY_LINES = re.compile(r"\n{3,}")
_DISCUSSION = re.compile(r"<VulnDiscussion>(.*?)(</VulnDiscussion>|$)", re.DOTALL)


def readable(element: Element | None, values: Mapping[str, str]) -> str | None:
    """The text of a title, description or rationale; None where there is none."""
    if element is None:
        return None
    if len(element):
        writer = _Writer(values)
        writer.write(element, pre=False)
        text = writer.text()
    else:
        text = "\n".join([" ".join(line.split()) for line in (element.text or "").split("\n")])
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    discussion = _DISCUSSION.search(text) if "<VulnDiscussion>" in text else None
    return (discussion[1] if discussion else text).strip("\n") or None


def profile_title(element: Element) -> str:
    """A profile's title as the scanner itself shows it: the server files scans under it, so it must not differ."""
    return " ".join(
        line.strip() for line in "".join(map(str, element.itertext())).strip().splitlines()
    )


def verbatim(element: Element, values: Mapping[str, str]) -> str:
    """The text of a fix: every blank and line break as it is, values filled in."""
    parts = [element.text or ""]
    for child in element:
        parts.append(_value(child, values) if local(child) == "sub" else verbatim(child, values))
        parts.append(child.tail or "")
    return "".join(parts)


def one_line(text: str | None) -> str | None:
    """Text without line breaks and double blanks; None where nothing is left."""
    return " ".join(text.split()) or None if text else None


def _value(element: Element, values: Mapping[str, str]) -> str:
    name = element.get("idref", "")
    return values.get(name, f"({name})")


class _Writer:
    """Collects lines; `pre` lines keep their blanks."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._lines: list[str] = []
        self._line = ""

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines)

    def write(self, element: Element, *, pre: bool) -> None:
        if text := element.text:
            self._add(text, pre=pre)
        numbered = local(element) == "ol"
        for number, child in enumerate(element, 1):
            self._child(child, number if numbered else None, pre=pre)
            if tail := child.tail:
                self._add(tail, pre=pre)

    def _child(self, child: Element, number: int | None, *, pre: bool) -> None:
        name = local(child)
        if name == "sub":
            self._add(_value(child, self._values), pre=True)
        elif name == "br":
            self._end_line()
        elif name in _BLOCKS:
            self._start_line()
            if name == "li":
                self._line = f"{number}. " if number else "- "
            self.write(child, pre=pre or name == "pre")
            self._start_line()
        else:
            self.write(child, pre=pre)

    def _add(self, text: str, *, pre: bool) -> None:
        first, *more = text.split("\n")
        self._line += first if pre else self._spaced(first)
        for piece in more:
            self._end_line()
            self._line = piece if pre else self._spaced(piece)

    def _spaced(self, piece: str) -> str:
        """A piece of a line with single blanks; at its ends, where it had some and they part something."""
        message = " ".join(piece.split())
        if not message:
            return " " if piece and self._line and not self._line.endswith(" ") else ""
        before = " " if piece[0].isspace() and self._line and not self._line.endswith(" ") else ""
        return f"{before}{message} " if piece[-1].isspace() else before + message

    def _start_line(self) -> None:
        if self._line.strip():
            self._end_line()
        self._line = ""

    def _end_line(self) -> None:
        self._lines.append(self._line.rstrip())
        self._line = ""
