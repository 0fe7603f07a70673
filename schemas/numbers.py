"""Whole numbers in texts that others wrote. Pure."""

import re

_NUMBER = re.compile("[0-9]{1,18}")


def whole_number(text: str) -> int | None:
    """The number in a text of 1 to 18 ASCII digits; None for any other text.

    `str.isdigit` is true of texts that `int` refuses: "²", or 5,000 digits.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    return int(text)
