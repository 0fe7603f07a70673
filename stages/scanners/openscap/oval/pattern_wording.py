r"""What a regular expression looks for, in plain text, where it has one. Pure.

`^\s*PASS_MAX_DAYS\s+(\d+)\s*$` looks for `PASS_MAX_DAYS` and a value. A pattern that has no plain
text (look-around, repeated letters, back references) gives an empty one, and the caller shows the
expression itself: nothing is guessed.

How it works. The anchors and `.*` at the ends of the pattern are taken off first; they decide where
in a line the text stands. A walk over the other pieces writes one text per alternative. Characters
are written as they are, blanks as one blank, and whatever may be anything (a class, an optional
part) as `…`. A capturing group that has no character of its own is the value; what stands before it
names the setting:

    ^\s*PASS_MAX_DAYS\s+(\d+)\s*$
    ->  "PASS_MAX_DAYS" " " VALUE        text "PASS_MAX_DAYS …", name "PASS_MAX_DAYS"
    ^\s*gpgcheck\s*=\s*1$
    ->  "gpgcheck" "=" "1"               text "gpgcheck=1", equivalent, the whole line

A text is *equivalent* if the pattern requires it and nothing else, except for the number of blanks.
Everything that was written in fewer characters than the pattern has (`…`, repetition, alternatives,
flags, word boundaries, a blank that must be a tab) makes it inequivalent: the report must not claim
"no line with TMOUT=" where TMOUT=900 is there and 600 is expected.

The same holds for "TMOUT is not set". It is true only if the pattern accepts every value and
whatever follows it: `^TMOUT=(.*)$` does, but `^TMOUT=(\d+)$` does not match `TMOUT=900 # seconds`.
See `pattern_values.py`.
"""

import re
from functools import lru_cache

from schemas.records import Struct
from stages.scanners.openscap.oval.pattern_pieces import (
    PatternBody,
    UnsupportedPatternError,
    split_pattern,
    without_ends,
)
from stages.scanners.openscap.oval.pattern_values import ValueForm, value_form_of
from stages.scanners.openscap.oval.pattern_walk import (
    ANYTHING,
    MARKS,
    OPTIONAL_BLANK,
    VALUE,
    PatternWalk,
)

_ANYTHING_AND_BLANKS = re.compile(rf" *{ANYTHING}[{ANYTHING} ]*")
_BLANKS = re.compile(r" +")
_OPTIONAL_BLANKS = re.compile(rf"[ {OPTIONAL_BLANK}]*{OPTIONAL_BLANK}[ {OPTIONAL_BLANK}]*")
_WORD_CHARACTER = re.compile(r"\w")
_ANY_LINE = frozenset((".*", "^.*", ".*$", "^.*$", "^(.*)$", "(.*)"))
_MAX_LENGTH = 2000


class PatternText(Struct, frozen=True):
    """A pattern in plain text, `…` standing for anything."""

    text: str
    name: str | None
    """What comes before the captured value: the name of a setting."""
    starts_line: bool
    """The text is at the start of a line, after blanks at most."""
    ends_line: bool
    is_equivalent: bool
    """The pattern requires the text, at that place, and nothing else."""
    is_literal: bool
    """Only this text matches, to the last character; a dot between words counts as a dot."""
    value_form: ValueForm
    """Of the value, where a setting is named."""


NO_TEXT = PatternText(
    text="",
    name=None,
    starts_line=False,
    ends_line=False,
    is_equivalent=False,
    is_literal=False,
    value_form=ValueForm.OTHER,
)


@lru_cache(maxsize=1024)
def pattern_text(pattern: str) -> PatternText:
    """The plain text of a pattern; `NO_TEXT` where it has none."""
    if len(pattern) > _MAX_LENGTH or MARKS.search(pattern):
        return NO_TEXT
    try:
        body = without_ends(split_pattern(pattern))
        walk = PatternWalk(body.pieces)
        written = walk.text()
    except UnsupportedPatternError:
        return NO_TEXT
    return _pattern_text(body, walk, written)


def _pattern_text(body: PatternBody, walk: PatternWalk, written: str) -> PatternText:
    # Optional blanks separate two words all the same: `Defaults\s*requiretty`.
    spaced = _OPTIONAL_BLANKS.sub(_shown_blank, written)
    text = _ANYTHING_AND_BLANKS.sub(f" {ANYTHING} ", spaced)
    shown = _BLANKS.sub(" ", text.replace(VALUE, ANYTHING)).strip()
    if not _WORD_CHARACTER.search(shown):
        return NO_TEXT
    is_complete = not walk.is_abridged and _shows_all_blanks(spaced)
    return PatternText(
        text=shown,
        name=_setting_name(text),
        starts_line=body.starts_line,
        ends_line=body.ends_line,
        is_equivalent=is_complete and not walk.has_bare_dot and not body.has_file_anchor,
        is_literal=is_complete and _is_whole_line(body) and not _has_blanks(written),
        value_form=value_form_of(body),
    )


def _shows_all_blanks(spaced: str) -> bool:
    """Whether no blank is lost where the text is shown: at an end, or one of several in a row."""
    return spaced == spaced.strip() and "  " not in spaced


def _has_blanks(written: str) -> bool:
    return " " in written or OPTIONAL_BLANK in written


def _is_whole_line(body: PatternBody) -> bool:
    return body.starts_line and body.ends_line


def matches_any_line(pattern: str) -> bool:
    """Whether every line matches."""
    return pattern in _ANY_LINE


def _shown_blank(found: re.Match[str]) -> str:
    """The required blanks, or one where two words would run together."""
    required = found[0].replace(OPTIONAL_BLANK, "")
    if required:
        return required
    before = found.string[: found.start()][-1:]
    after = found.string[found.end() :][:1]
    is_between_words = before.isalnum() and (after.isalnum() or after == "-")
    if is_between_words:
        return " "
    return ""


def _setting_name(text: str) -> str | None:
    """`PASS_MAX_DAYS` of `PASS_MAX_DAYS VALUE`."""
    before, value, _ = text.partition(VALUE)
    if not value:
        return None
    name = before.split(ANYTHING)[-1].strip(" =:\"'").lstrip("({[")
    if not _WORD_CHARACTER.search(name):
        return None
    return name
