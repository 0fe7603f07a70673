"""What the XML library complains of, in one line that says what is wrong with the file. Pure."""

import re

_SOURCE = re.compile(r" ?\(<string>, line \d+\)")
_PLACE = re.compile(r"line \d+, column \d+")
_OVER_LIMITS = {
    "Excessive depth": "elements nested deeper than 256 levels, the limit",
    "too long": "a name or a text in the XML is longer than its limit (10 million characters for a text)",
}
"""What libxml2 says where a limit of its own is reached, and what that means."""


def told(message: str) -> str:
    """The complaint in one line, without the names of the library's own sources."""
    text = _SOURCE.sub("", " ".join(message.split()))
    place = _PLACE.search(text)
    for said, told in _OVER_LIMITS.items():
        if said in text:
            return told + (f" ({place[0]})" if place else "")
    if "Start tag expected" in text or "Document is empty" in text:
        return f"the file is no XML ({text})"
    return f"the XML is broken or cut off ({text})"
