"""Texts of rules as pages and tables can show them. Pure.

Titles, sections and findings come from content and from names on the host. Marks that change the
direction of writing, and many combining marks on one character (a pile), make a page show something
else than the text; a pile also changes the checksum that some servers compute.
"""

import re
import unicodedata

LONGEST_SECTION = 60
"""Longer ones break tables."""
_MOST_MARKS = 4
"""Combining marks on one character; no writing in use has more."""
_BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MAY_HOLD_PILE = re.compile(f"[\u0300-\U0010ffff]{{{_MOST_MARKS + 1}}}")
_MARKS = frozenset(("Mn", "Me"))
_HERE_DOCUMENT = re.compile(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")


def plain_characters(text: str, replacement: str = "") -> str:
    """Without controls of the direction of writing and without piles of combining marks.

    `replacement` stands for each control: in a finding it must stay visible that there was one.
    """
    if text.isascii():
        return text
    text = _BIDIRECTIONAL.sub(replacement, text)
    if _MAY_HOLD_PILE.search(text):
        return _without_piles(text)
    return text


def _without_piles(text: str) -> str:
    kept = []
    marks = 0
    for character in text:
        if unicodedata.category(character) in _MARKS:
            marks += 1
        else:
            marks = 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def without_number(title: str, number: str | None) -> str:
    """The title without its rule's own number in front: `1.1.2 Ensure …`, `(1.1.2): Ensure …`.

    Pages show the number beside the title.
    """
    if not number:
        return title
    start = re.match(rf"[(\[]?{re.escape(number)}[)\]]?(?:[.:]|\s*[-–—])?\s+(?=\S)", title)
    if start is None:
        return title
    return title[start.end() :]


def short_section(section: str) -> str:
    """The section, cut at the end of a word where it is too long."""
    if len(section) <= LONGEST_SECTION:
        return section
    start = section[: LONGEST_SECTION - 1]
    words = start.rpartition(" ")[0]
    if len(words) > LONGEST_SECTION // 2:
        start = words
    return f"{start.rstrip()}…"


def without_blank_runs(script: str) -> str:
    """A script with at most one empty line in a row.

    The content's templates leave many. The text of a here-document stays as it is.
    """
    kept: list[str] = []
    end_of_document: str | None = None
    was_blank = False
    for line in script.split("\n"):
        text = line.strip()
        if end_of_document is None:
            if was_blank and not text:
                continue
            if found := _HERE_DOCUMENT.search(line):
                end_of_document = found[2]
        elif text == end_of_document:
            end_of_document = None
        kept.append(line)
        was_blank = not text
    return "\n".join(kept)
