"""Text for terminals, logs and reports: harmless text, numbers, lists. Pure."""

from collections.abc import Sequence


def one_line(text: str) -> str:
    """The text with everything that a terminal would interpret made visible."""
    return "".join(map(_visible, text))


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """`1 report`, `2 reports`."""
    if count == 1:
        return f"1 {singular}"
    return f"{count} {plural or singular + 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`"""
    shown = ", ".join(names[:most])
    if len(names) > most:
        return f"{shown} and {len(names) - most} more"
    return shown


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
