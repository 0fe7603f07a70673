"""The files that a finding is about. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from schemas.report import RuleResult

_MOST = 10
_PATH = re.compile(
    r"(?<![\w/.:~\\-])(/(?:[\w.@+%~-]+/)*[\w.@+%~-]*[\w@+%~-])(?=$|[\s,;:'\"()\[\]<>]|\.(?:\s|$))"
)
"""An absolute path as a word of its own: not a part of a URL or of a longer path, and without the
full stop of its sentence."""
_SEARCHED = 20_000
"""Characters of a text that are searched."""
_VIRTUAL = ("/dev/null",)


def finding_paths(result: RuleResult) -> tuple[str, ...]:
    """Absolute paths in the finding, else in the actual, else in the expected value.

    Each path once, at most 10.
    """
    for text in (result.finding, result.actual, result.expected):
        found = tuple(_paths(text or ""))
        if found:
            return found
    return ()


def file_uri(path: str) -> str:
    return f"file://{quote(path)}"


def _paths(text: str) -> Iterator[str]:
    seen = set()
    for match in _PATH.finditer(text[:_SEARCHED]):
        path = match[1]
        if path in seen or path in _VIRTUAL:
            continue
        seen.add(path)
        yield path
        if len(seen) == _MOST:
            return
