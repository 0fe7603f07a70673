"""The error of an unreadable file, and the XML library's messages as one plain line. Pure."""

import re

_LIBRARY_SOURCE = re.compile(r" ?\(<string>, line \d+\)")
_POSITION = re.compile(r"line \d+, column \d+")
_LIMITS = {
    "Excessive depth": "elements nested deeper than 256 levels, the limit",
    "Buffer size limit exceeded": (
        "a start tag in the XML is longer than its limit (10 million characters)"
    ),
    "too long": (
        "a name or a text in the XML is longer than its limit (10 million characters for a text)"
    ),
}
"""What libxml2 reports where a limit of its own is reached, and what that means."""
_OUT_OF_MEMORY = "unknown error"
"""All that libxml2 reports where it gets no memory."""
_NO_XML = ("Start tag expected", "Document is empty")


class ScapError(ValueError):
    """A file that cannot be read as SCAP; the text is the reason in one line."""


def explain_xml_error(message: str) -> str:
    """The message in one line, without the names of the library's own sources."""
    text = _LIBRARY_SOURCE.sub("", " ".join(message.split()))
    for marker, meaning in _LIMITS.items():
        if marker in text:
            return meaning + _position(text)
    if _OUT_OF_MEMORY in text:
        return f"the XML library gave up, mostly for a lack of memory ({text})"
    if any(marker in text for marker in _NO_XML):
        return f"the file is not XML ({text})"
    return f"the XML is broken or cut off ({text})"


def _position(text: str) -> str:
    found = _POSITION.search(text)
    if found is None:
        return ""
    return f" ({found[0]})"
