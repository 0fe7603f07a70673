"""Where the keys are in JSON that was printed by hand.

The scanner prints its JSON with `printf` and escapes nothing, but it prints it in one of few layouts:

- 1.4 and later, 1.3.6: every key opens its own line;
- 1.3.5: every test opens its own line, with all its keys on it;
- 1.3.4 and earlier: no tests, but a line `"4.6": "WARN: name"` per result;
- anything else (another tool's compact JSON): keys anywhere.

A key that is not where its layout has keys is text inside a value: a name such as `x","result":"PASS` does not
become a result.

*Security*: every expression is anchored or has disjoint parts; searching is linear in the text.
"""

import re
from collections.abc import Iterator

CHECK_NUMBER = r"(?:\d{1,4}|[A-Za-z])(?:\.\d{1,4}){1,6}"

_NAMES = (
    "dockerbenchsecurity|dockerbenchsec_version|start|end|checks|tests|"
    "id|desc|results|result|details|items|remediation-impact|remediation"
)
KEYS = frozenset(_NAMES.split("|"))
NUMBER_KEY = re.compile(CHECK_NUMBER)

_KEY = rf'"({_NAMES}|{CHECK_NUMBER})"[ \t]*:[ \t]*'
_KEY_ANYWHERE = re.compile(_KEY)
_KEY_OPENS_LINE = re.compile(r"^[ \t{}\[\],]*" + _KEY, re.MULTILINE)
_LINE_PER_KEY = re.compile(rf'^[ \t]*"(?:desc|result|{CHECK_NUMBER})"[ \t]*:', re.MULTILINE)
_LINE_PER_TEST = re.compile(r'^[ \t,]*\{[ \t]*"id"[ \t]*:[ \t]*', re.MULTILINE)


def keys(text: str) -> Iterator[tuple[str, int, int]]:
    """Each key in its place: its name, where it (with the brackets before it) starts, where its value starts."""
    if _LINE_PER_KEY.search(text):
        for match in _KEY_OPENS_LINE.finditer(text):
            yield match[1], match.start(), match.end()
        return
    tests = {match.end() for match in _LINE_PER_TEST.finditer(text)}
    for match in _KEY_ANYWHERE.finditer(text):
        if match[1] != "id" or not tests or match.end() in tests:
            yield match[1], match.start(), match.end()
