"""Text for terminals, logs and reports: harmless text, numbers, lists. Pure."""

from collections.abc import Sequence


def one_line(text: str) -> str:
    """The text with everything that a terminal would interpret made visible."""
    return "".join(map(_visible, text))


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """`1 report`, `2 reports`."""
    return f"{count} {by_number(count, singular, plural or singular + 's')}"


def by_number(count: int, singular: str, plural: str) -> str:
    """The text for one, or that for any other number."""
    if count == 1:
        return singular
    return plural


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
