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

CHECK_NUMBER = r"(?:[0-9]{1,4}|[A-Za-z])(?:\.[0-9]{1,4}){1,6}"

_NAMES = (
    "dockerbenchsecurity|dockerbenchsec_version|start|end|checks|tests|"
    "id|desc|results|result|details|items|remediation-impact|remediation"
)
KEYS = frozenset(_NAMES.split("|"))
NUMBER_KEY = re.compile(CHECK_NUMBER)

_NAME = rf'"({_NAMES})"[ \t]*:[ \t]*'
_NAME_OR_NUMBER = rf'"({_NAMES}|{CHECK_NUMBER})"[ \t]*:[ \t]*'
_LINE_STARTS = r"^[ \t{}\[\],]*"
_TEST_STARTS = r"^[ \t,]*\{[ \t]*"

# The keys of each layout.
_KEY_PER_LINE = re.compile(_LINE_STARTS + _NAME, re.MULTILINE)
_RESULT_PER_LINE = re.compile(_LINE_STARTS + _NAME_OR_NUMBER, re.MULTILINE)
_TEST_PER_LINE = re.compile(rf'(?:{_TEST_STARTS}|(?!"id")){_NAME_OR_NUMBER}', re.MULTILINE)
"""An `id` that does not start a test is part of a name."""
_ANYWHERE = re.compile(_NAME_OR_NUMBER)

# What shows the layout of a text.
_LINE_PER_KEY = re.compile(r'^[ \t]*"(?:desc|result)"[ \t]*:', re.MULTILINE)
_LINE_PER_RESULT = re.compile(rf'^[ \t]*"{CHECK_NUMBER}"[ \t]*:', re.MULTILINE)
_LINE_PER_TEST = re.compile(rf'{_TEST_STARTS}"id"[ \t]*:', re.MULTILINE)
_SEVERAL_ON_LINE = re.compile(rf'{_TEST_STARTS}"id"[ \t]*:[^\n]{{0,512}}"desc"', re.MULTILINE)

Key = tuple[str, int, int]
"""A key's name, its start (with the brackets before it), and the start of its value."""


def keys(text: str) -> Iterator[Key]:
    """The keys that are where the layout has keys."""
    for match in _keys_of_layout(text).finditer(text):
        yield match[1], match.start(), match.end()


def _keys_of_layout(text: str) -> re.Pattern[str]:
    if _LINE_PER_KEY.search(text):
        if _SEVERAL_ON_LINE.search(text):
            # Text of both layouts: rewrapped by another tool.
            return _ANYWHERE
        return _KEY_PER_LINE
    if _LINE_PER_RESULT.search(text):
        return _RESULT_PER_LINE
    if _LINE_PER_TEST.search(text):
        return _TEST_PER_LINE
    return _ANYWHERE


def is_layout_of_scanner(text: str) -> bool:
    """Whether the keys are placed as the scanner prints them with tests, the same all through.

    Only then does a key in another place show that it is part of a name.
    """
    has_line_per_key = _LINE_PER_KEY.search(text) is not None
    has_line_per_test = _SEVERAL_ON_LINE.search(text) is not None
    return has_line_per_key != has_line_per_test
