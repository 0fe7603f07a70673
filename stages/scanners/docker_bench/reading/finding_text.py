"""Text from the host, made harmless and readable.

Names of containers, images and files are chosen by anybody on the host: escape sequences, marks
that change the direction of writing, lone surrogates. What cannot be printed becomes `�`, so that
it stays visible that there was something, and every text has a limit.

The scanner splits its lists at blanks, so that the image `[a:1 b:2]` (one image, two tags) arrives
as the two items `[a:1` and `b:2]`; what stands between brackets is made one item again here.
"""

from collections.abc import Iterable, Sequence

LINE = 1024
TEXT = 262_144
_SEPARATORS = ",;"
SHORTENED = "(truncated)"
"""The last item of a list that the scanner shortened itself (`-n`)."""


def line(text: str, limit: int = LINE) -> str:
    """The text on one line, printable, at most `limit` characters."""
    # Cut before any work is done on it, with a margin for the blanks that are about to go.
    one_line = " ".join(text[: limit * 4].split())
    if not one_line.isprintable():
        one_line = "".join(_printable(character) for character in one_line)
    if len(one_line) > limit:
        return one_line[: limit - 1] + "…"
    return one_line


def optional_line(text: str | None, limit: int = LINE) -> str | None:
    if not text:
        return None
    return line(text, limit) or None


def finding(details: str | None, items: Sequence[str] | None) -> str | None:
    """The details with the items in full, one per line where there are several.

    `items` is None for a check that has no list; an empty list is reported as `none`.
    """
    if not items:
        return _without_items(details, has_list=items is not None)
    words = (details or "").split()
    # The scanner repeats the items at the end of the details, some versions with commas.
    known = {item.strip(_SEPARATORS) for item in items}
    while words and words[-1].strip(_SEPARATORS) in known:
        words.pop()
    introduction = line(" ".join(words))
    names = list(dict.fromkeys(line(name) for name in rejoined(items)))
    if len(names) == 1:
        return f"{introduction} {names[0]}".strip()
    lines = [f"- {name}" for name in names]
    if words:
        lines.insert(0, introduction)
    return bounded(lines)


def _without_items(details: str | None, *, has_list: bool) -> str | None:
    if has_list and (details or "").rstrip().endswith(":"):
        return optional_line(f"{details} none")
    return optional_line(details)


def rejoined(items: Iterable[str]) -> list[str]:
    """The items as they were before the scanner split them; an open bracket stays split."""
    names: list[str] = []
    open_parts: list[str] = []
    for item in items:
        opens = item.startswith("[") and not item.endswith("]")
        if not open_parts and not opens:
            names.append(item)
            continue
        open_parts.append(item)
        if item.endswith("]"):
            names.append(" ".join(open_parts))
            open_parts = []
    return names + open_parts


def bounded(lines: Iterable[str]) -> str | None:
    """The lines as one text of bounded length, with the number of lines that are left out."""
    kept: list[str] = []
    left_out = size = 0
    for text in lines:
        if left_out or size + len(text) > TEXT:
            left_out += 1
            continue
        kept.append(text)
        size += len(text) + 1
    if left_out:
        kept.append(f"… and {left_out} more")
    return "\n".join(kept) or None


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return "\ufffd"
