"""Text of a scanner, made harmless for people: what would act invisibly is spelled out.

Control characters, right-to-left marks and other invisible characters become escapes such as
`\\u202e`, so that what is shown, and what a copy button copies, is what is there. Pure.
"""

import unicodedata

_KEPT = "\n\t"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠", "|", "%")


def visible(text: str) -> str:
    """Line breaks and tabs stay; every other character that can't be seen is spelled out."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(map(_visible_character, text))


def visible_line(text: str) -> str:
    """The same in one line: line breaks and runs of blanks become one blank."""
    return visible(" ".join(text.split()))


def _visible_character(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    if unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")


def harmless_cell(text: str) -> str:
    """The text as a cell that no spreadsheet evaluates."""
    shown = visible(text)
    # Blanks in front do not stop every spreadsheet from seeing the formula behind them.
    if shown.lstrip(" \xa0").startswith(_FORMULA_STARTS):
        return f"'{shown}"
    return shown
