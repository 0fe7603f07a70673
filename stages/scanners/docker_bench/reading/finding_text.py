"""Text from the host, made harmless and readable.

Container, image and file names are whatever somebody on the host chose: escape sequences, marks that turn the
direction of writing, lone surrogates. What can't be printed becomes `�`, so that it stays visible that there
was something, and nothing is longer than its bound.

The scanner splits its lists at blanks, so that the image `[a:1 b:2]` (one image, two tags) arrives as the two
items `[a:1` and `b:2]`; what stands between brackets is one item again here.
"""

from collections.abc import Iterable

LINE = 1024
TEXT = 262_144
CUT_SHORT = "(truncated)"
"""The last item of a list that the scanner shortened itself (`-n`)."""


def line(text: str, limit: int = LINE) -> str:
    """The text on one line, printable, at most `limit` characters."""
    # Cut before any work is done on it, and generously, since blanks are about to go.
    message = " ".join(text[: limit * 4].split())
    if not message.isprintable():
        message = "".join(char if char.isprintable() else "\ufffd" for char in message)
    return message if len(message) <= limit else message[: limit - 1] + "…"


def optional_line(text: str | None, limit: int = LINE) -> str | None:
    return line(text, limit) or None if text else None


def finding(details: str | None, items: list[str] | None) -> str | None:
    """The details with the items in full, one to a line where there is more than one."""
    message = (details or "").split()
    if not items:
        nothing_listed = items is not None and bool(message) and message[-1].endswith(":")
        return optional_line(f"{details} none" if nothing_listed else details)
    # The scanner repeats the items at the end of the details.
    lead = message[: -len(items)] if message[-len(items) :] == items else message
    names = [line(name) for name in merged(items)]
    if len(names) == 1:
        return f"{line(' '.join(lead))} {names[0]}".strip()
    head = [line(" ".join(lead))] if lead else []
    return bounded([*head, *(f"- {name}" for name in names)])


def merged(items: list[str]) -> list[str]:
    """The items as they were before the scanner split them; what is never closed stays split."""
    names: list[str] = []
    opened: list[str] = []
    for item in items:
        if opened or (item.startswith("[") and not item.endswith("]")):
            opened.append(item)
            if item.endswith("]"):
                names.append(" ".join(opened))
                opened = []
        else:
            names.append(item)
    return names + opened


def bounded(lines: Iterable[str]) -> str | None:
    """The lines as one text of bounded length; a text that was cut says how many lines are missing."""
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
