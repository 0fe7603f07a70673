"""Text of other programs made harmless for terminals and logs. Pure."""


def one_line(text: str) -> str:
    """The text with everything that a terminal would interpret made visible."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
