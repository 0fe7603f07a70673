"""Text from the host, made harmless and readable.

Any user of the host may choose the names of containers, images and files, so they may hold escape
sequences, marks that change the direction of writing and lone surrogates. A character that cannot
be printed becomes `�`, so that a reader sees that there was one. Every text has a limit.

The scanner splits its lists at blanks: the image `[a:1 b:2]` (one image, two tags) arrives as the
two items `[a:1` and `b:2]`. Items between brackets are joined again here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from stages.scanners.captured_output import printable_line

LINE = 1024
TEXT = 262_144
_SEPARATORS = ",;"


def line(text: str, limit: int = LINE) -> str:
    """The text on one line, printable, at most `limit` characters."""
    # Cut before any other work, with a margin for the blanks that are removed.
    one_line = " ".join(text[: limit * 4].split())
    if not one_line.isprintable():
        one_line = printable_line(one_line)
    if len(one_line) > limit:
        return one_line[: limit - 1] + "…"
    return one_line


def optional_line(text: str, limit: int = LINE) -> str | None:
    return line(text, limit) or None


def finding(details: str, items: Sequence[str] | None) -> str | None:
    """The details with the items in full, one per line where there are several.

    `items` is None for a check that has no list; an empty list is reported as `none`.
    """
    if items is None:
        return optional_line(details)
    introduction = _introduction(details, items)
    names = list(dict.fromkeys(map(line, rejoined(items))))
    if not names and introduction.endswith(":"):
        names = ["none"]
    if len(names) < 2:
        return " ".join((introduction, *names)).strip() or None
    lines = [f"- {name}" for name in names]
    if introduction:
        lines.insert(0, introduction)
    return bounded(lines)


def _introduction(details: str, items: Sequence[str]) -> str:
    """The details without the items, which the scanner repeats at their end, some with commas."""
    known = {item.strip(_SEPARATORS) for item in items}
    words = details.split()
    while words and words[-1].strip(_SEPARATORS) in known:
        words.pop()
    return line(" ".join(words))


def rejoined(items: Iterable[str]) -> list[str]:
    """The items as they were before the scanner split them; an open bracket stays split."""
    names: list[str] = []
    open_parts: list[str] = []
    for item in items:
        open_parts.append(item)
        is_open = open_parts[0].startswith("[") and not item.endswith("]")
        if not is_open:
            names.append(" ".join(open_parts))
            open_parts = []
    return names + open_parts


def bounded(lines: Iterable[str]) -> str | None:
    """The lines as one text of bounded length, with the number of lines that are left out."""
    texts = list(lines)
    sizes = list(accumulate(len(text) + 1 for text in texts))
    most = bisect_right(sizes, TEXT + 1)
    if most < len(texts):
        texts[most:] = [f"… and {len(texts) - most} more"]
    return "\n".join(texts) or None
