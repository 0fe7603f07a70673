"""What PyYAML finds wrong with a file, for people who know the file and not PyYAML. Pure.

The text around the place is never repeated: it may contain a password.
"""

_TAB = "a tab: indent with blanks"
_QUOTE = "put the value in quotes"
_MESSAGES = (
    ("mapping values are not allowed", f"a second colon in one line: {_QUOTE}, or indent less"),
    ("could not find expected ':'", "a key without a colon"),
    ("found character '\\t'", _TAB),
    ("found character", f"a character that cannot begin a value: {_QUOTE}"),
    ("expected <block end>", "the indentation does not fit the lines above"),
    ("unexpected end of stream", "a quote is not closed"),
    ("expected ',' or", "a bracket or brace is not closed, or a comma is missing"),
    ("found undefined alias", f"a value that begins with *: {_QUOTE}"),
    ("expected alphabetic or numeric character", f"a value that begins with * or &: {_QUOTE}"),
    ("could not determine a constructor", f"a value that begins with !: {_QUOTE}"),
    ("found unknown escape character", "a backslash between double quotes: use single quotes"),
    ("unhashable", "a list or a mapping where a key is expected"),
    ("found another document", "a second document (---): only one is read"),
)
"""Parts of PyYAML's messages, of which the first that fits counts."""


def explained(problem: str) -> str:
    """A message of PyYAML in plain English."""
    for part, message in _MESSAGES:
        if part in problem:
            return message
    return "cannot be read here"
