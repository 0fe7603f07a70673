"""Marked-up XCCDF text to plain text.

Lists, code and paragraphs are kept, markup is not; a `sub` element becomes the value that it refers
to. Pure.

Authors wrap their sources, and every page shows the lines of a text as they are. So a line break of
the source is a blank, as in HTML, except

- in `pre`, and in a `code` element of several lines;
- an empty line behind a whole sentence, which ends a paragraph (templates leave empty lines in the
  middle of sentences too);
- before an item of a list and before a command (`- item`, `2. item`, `$ command`), which many
  authors write without markup. A command ends with its line. An item goes on in the lines below
  it that are indented.

    <description>Run the                  Run the command
    command                         →     $ aideinit
    $ aideinit                            as root.
    as
    root.</description>
"""

import re
from collections.abc import Mapping

from stages.scap.xml_elements import Element, local, text_of

_BLOCKS = frozenset(("p", "div", "ul", "ol", "table", "tr", "dl", "dt", "dd", "blockquote"))
_CODE = frozenset(("code", "samp"))
_EMPTY_LINES = re.compile(r"\n{3,}")
_ITEM = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s")
_COMMAND = re.compile(r"\s*[$#]\s")
_ITEM_OR_COMMAND = re.compile(f"{_ITEM.pattern}|{_COMMAND.pattern}")
_INDENTED_OR_EMPTY = re.compile(r"\s|\Z")
_SENTENCE_ENDS = (".", ":", "!", "?", ")", '"')
_DISCUSSION = re.compile(r"<VulnDiscussion>(.*?)(</VulnDiscussion>|$)", re.DOTALL)
"""STIG content hides its description in a text that looks like XML."""


def readable(
    element: Element | None, values: Mapping[str, str], *, keeps_lines: bool = False
) -> str | None:
    """The text of a title, description or rationale; None where there is none.

    `keeps_lines`: every line break of the source is kept.
    """
    if element is None:
        return None
    text = _EMPTY_LINES.sub("\n\n", _plain_text(element, values, keeps_lines=keeps_lines))
    if discussion := _DISCUSSION.search(text):
        text = discussion[1]
    return text.strip("\n") or None


def title_of(element: Element) -> str:
    """The title of a profile, rule or value as the scanner itself shows it; empty without one.

    The server files scans under a profile's title, so it must not differ by a blank.
    """
    title = element.find("{*}title")
    if title is None:
        return ""
    lines = "".join(map(str, title.itertext())).strip().splitlines()
    return " ".join(line.strip() for line in lines)


def verbatim(element: Element, values: Mapping[str, str]) -> str:
    """The text of a fix: every blank and line break as it is, values filled in."""
    parts = [text_of(element)]
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


def _plain_text(element: Element, values: Mapping[str, str], *, keeps_lines: bool) -> str:
    text = text_of(element)
    if not len(element) and "\n" not in text:
        return " ".join(text.split())
    writer = _TextWriter(values, keeps_lines=keeps_lines)
    writer.write(element, preformatted=False)
    return writer.text()


def _value(element: Element, values: Mapping[str, str]) -> str:
    name = element.get("idref", "")
    return values.get(name, f"({name})")


def _is_code_block(element: Element) -> bool:
    """Code of several lines; code of one line is a part of its sentence."""
    return local(element) in _CODE and "\n" in text_of(element).strip()


class _TextWriter:
    """Collects lines; `preformatted` text keeps its blanks."""

    def __init__(self, values: Mapping[str, str], *, keeps_lines: bool) -> None:
        self._values = values
        self._keeps_lines = keeps_lines
        self._lines: list[str] = []
        self._line = ""
        self._source = ""
        """The line of the source with which the current line begins: an item, a command, a text."""

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines)

    def write(self, element: Element, *, preformatted: bool) -> None:
        text = text_of(element)
        if preformatted:
            # As in HTML: a line break straight after the opening tag of code does not count.
            text = text.removeprefix("\n")
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
        """`bullet` is what an item of a list begins with."""
        name = local(child)
        if name == "sub":
            self._add_preformatted(_value(child, self._values))
        elif name == "br":
            self._end_line()
        elif name == "pre" or _is_code_block(child):
            self._write_block(child, preformatted=True)
        elif name == "li":
            self._write_block(child, bullet, preformatted=preformatted)
        elif name in _BLOCKS:
            self._write_block(child, preformatted=preformatted)
        else:
            self.write(child, preformatted=preformatted)

    def _write_block(self, element: Element, start: str = "", *, preformatted: bool) -> None:
        """An element on lines of its own."""
        self._start_line()
        self._line = start
        self.write(element, preformatted=preformatted)
        self._start_line()

    def _add(self, text: str, *, preformatted: bool) -> None:
        if preformatted:
            self._add_preformatted(text)
            return
        first, *others = text.split("\n")
        self._add_source_line(first)
        for number, line in enumerate(others, 1):
            # The text before the first line break and after the last is only a part of a line.
            is_whole = number < len(others)
            if is_whole and not line.strip() and self._may_end_paragraph():
                self._start_line()
                self._end_line()
            elif self._starts_own_line(line):
                self._start_line()
                self._add_source_line(line)
            else:
                self._add_text(f" {line}")

    def _add_preformatted(self, text: str) -> None:
        first, *others = text.split("\n")
        self._line += first
        for line in others:
            self._end_line()
            self._line = line

    def _may_end_paragraph(self) -> bool:
        last = self._line.rstrip()[-1:]
        return last in ("", *_SENTENCE_ENDS) or _COMMAND.match(self._source) is not None

    def _starts_own_line(self, line: str) -> bool:
        """Whether a line of the source does not go on with the current one."""
        if self._keeps_lines or _ITEM_OR_COMMAND.match(line):
            return True
        if _ITEM.match(self._source):
            return _INDENTED_OR_EMPTY.match(line) is None
        return _COMMAND.match(self._source) is not None

    def _add_source_line(self, line: str) -> None:
        if not self._line:
            self._source = line
        self._add_text(line)

    def _add_text(self, piece: str) -> None:
        """A piece of a line with single blanks, also where it meets the pieces around it."""
        text = " ".join(piece.split())
        if piece[:1].isspace() and self._line[-1:] not in ("", " "):
            self._line += " "
        self._line += text
        if text and piece[-1:].isspace():
            self._line += " "

    def _start_line(self) -> None:
        if self._line.strip():
            self._end_line()
        self._line = self._source = ""

    def _end_line(self) -> None:
        self._lines.append(self._line.rstrip())
        self._line = self._source = ""
