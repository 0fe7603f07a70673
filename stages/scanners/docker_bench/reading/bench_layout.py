"""Where the keys are in JSON that was printed by hand.

The scanner prints its JSON with `printf` and escapes nothing, but it prints one of few layouts:

- 1.4 and later, 1.3.6: every key starts its own line;
- 1.3.5: every test starts its own line, with all its keys on it;
- 1.3.4 and earlier: no tests, but a line `"4.6": "WARN: name"` per result;
- anything else (another tool's compact or rewrapped JSON): keys anywhere.

A key that is not where its layout has keys is text inside a value: a container whose name is
`x","result":"PASS` does not become a result. The scanner prints the items of a list on lines of
their own, so that one called `4.6":` looks like a result of 1.3.4; the number of a check is a key
only where there are no tests.

*Security*: every expression is anchored or has disjoint parts; searching is linear in the text.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

CHECK_NUMBER = r"(?:[0-9]{1,4}|[A-Za-z])(?:\.[0-9]{1,4}){1,6}"

_NAMES = (
    "dockerbenchsecurity|dockerbenchsec_version|start|end|checks|tests|"
    "id|desc|results|result|details|items|remediation-impact|remediation"
)
KEYS = frozenset(_NAMES.split("|"))
NUMBER_KEY = re.compile(CHECK_NUMBER)

_KEY = rf'"({_NAMES}|{CHECK_NUMBER})"[ \t]*:[ \t]*'
_KEY_ANYWHERE = re.compile(_KEY)
_KEY_STARTS_LINE = re.compile(r"^[ \t{}\[\],]*" + _KEY, re.MULTILINE)
_LINE_PER_KEY = re.compile(r'^[ \t]*"(?:desc|result)"[ \t]*:', re.MULTILINE)
_LINE_PER_RESULT = re.compile(rf'^[ \t]*"{CHECK_NUMBER}"[ \t]*:', re.MULTILINE)
_LINE_PER_TEST = re.compile(r'^[ \t,]*\{[ \t]*"id"[ \t]*:[ \t]*', re.MULTILINE)
_SEVERAL_ON_LINE = re.compile(r'^[ \t,]*\{[ \t]*"id"[ \t]*:[^\n]{0,512}"desc"', re.MULTILINE)

Key = tuple[str, int, int]
"""A key's name, its start (with the brackets before it), and the start of its value."""


class _Layout(Enum):
    """Where keys are; see above."""

    LINE_PER_KEY = auto()
    LINE_PER_TEST = auto()
    LINE_PER_RESULT = auto()
    ANYWHERE = auto()


def keys(text: str) -> Iterator[Key]:
    """The keys that are where the layout has keys."""
    match _layout(text):
        case _Layout.LINE_PER_KEY:
            for match in _KEY_STARTS_LINE.finditer(text):
                if not NUMBER_KEY.fullmatch(match[1]):
                    yield _key(match)
        case _Layout.LINE_PER_TEST:
            yield from _without_ids_in_names(text)
        case _Layout.LINE_PER_RESULT:
            yield from map(_key, _KEY_STARTS_LINE.finditer(text))
        case _Layout.ANYWHERE:
            yield from map(_key, _KEY_ANYWHERE.finditer(text))


def _layout(text: str) -> _Layout:
    if _LINE_PER_KEY.search(text):
        if _SEVERAL_ON_LINE.search(text):
            # Text of both layouts: rewrapped by another tool.
            return _Layout.ANYWHERE
        return _Layout.LINE_PER_KEY
    if _LINE_PER_RESULT.search(text):
        return _Layout.LINE_PER_RESULT
    if _LINE_PER_TEST.search(text):
        return _Layout.LINE_PER_TEST
    return _Layout.ANYWHERE


def _without_ids_in_names(text: str) -> Iterator[Key]:
    """With a line per test, an `id` elsewhere is part of a name."""
    tests = {match.end() for match in _LINE_PER_TEST.finditer(text)}
    for match in _KEY_ANYWHERE.finditer(text):
        if match[1] != "id" or match.end() in tests:
            yield _key(match)


def is_layout_of_scanner(text: str) -> bool:
    """Whether the keys are placed as the scanner prints them with tests, the same all through.

    Only then does a key in another place show that it is part of a name.
    """
    has_line_per_key = _LINE_PER_KEY.search(text) is not None
    has_line_per_test = _SEVERAL_ON_LINE.search(text) is not None
    return has_line_per_key != has_line_per_test


def _key(match: re.Match[str]) -> Key:
    return match[1], match.start(), match.end()
