"""Whole numbers in texts that others wrote. Pure."""

_MOST_DIGITS = 18


def whole_number(text: str) -> int | None:
    """The number that a text of ASCII digits alone is, of at most 18 of them; else None.

    `str.isdigit` is true of texts that `int` refuses: "²", or 5,000 digits.
    """
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    return None
