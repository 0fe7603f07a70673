"""Whole numbers in texts that others wrote. Pure."""

_MOST_DIGITS = 18


def whole_number(text: str) -> int | None:
    """The number in a text of 1 to 18 ASCII digits; None for any other text.

    `str.isdigit` is true of texts that `int` refuses: "²", or 5,000 digits.
    """
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    return None
