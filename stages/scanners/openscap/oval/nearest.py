"""The things found that are nearest to what was looked for. Pure.

Where one line has to be right and several were found, the one with the least to correct is the one
to change: where `at most 600` is expected, `TMOUT=900` is nearer than `TMOUT=0`. Numbers are
compared by their difference, texts by the characters that they have in common.

Where no line was found, another test may have found one in the same file that sets the same thing:
`^TMOUT=[1-5]\\d\\d$` finds nothing in a file with `TMOUT=900`, and a test that forbids `TMOUT=0`
may have collected it.

Security: texts come from the host. They are cut before they are compared.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice

from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.item_fields import found_line
from stages.scanners.openscap.oval.item_wording import unmet_entities
from stages.scanners.openscap.oval.kind_templates import item_text
from stages.scanners.openscap.oval.line_wording import TEXT_KINDS, is_in_place
from stages.scanners.openscap.oval.oval_model import Entity, Item, Object, State

_MAX_TEXT = 200
_MAX_ITEMS = 200
_NUMBER = re.compile(r"-?\d{1,15}")
_NAME = re.compile(r"[A-Za-z][\w.-]{2,}")
_LEAST_LIKENESS = 0.5


def nearest_first(
    items: Iterable[Item], states: Sequence[State], scope: EvaluationScope
) -> list[Item]:
    """The items, those with the least to correct first."""
    return sorted(items, key=lambda item: _distance(item, states, scope))


def lines_in_place(target: Object, scope: EvaluationScope) -> dict[str, str]:
    """The lines that any test found where the object looks, each with its file; secrets masked."""
    lines: dict[str, str] = {}
    for item in scope.results.items.values():
        is_whole_line = item.kind in TEXT_KINDS and item.first("text") is not None
        if is_whole_line and is_in_place(item, target, scope):
            lines.setdefault(found_line(item) or "", item_text(item, "file") or "")
    return lines


def nearest_line(wanted: str, lines: Iterable[str]) -> str | None:
    """The line that has the first name in the wanted one and is most like it; None if none is."""
    name = _NAME.search(wanted)
    if name is None:
        return None
    likeness = {}
    for line in _lines_with(re.escape(name[0]), lines):
        likeness[line] = _likeness(wanted, line)
    nearest = max(likeness, key=likeness.__getitem__, default=None)
    if nearest is None or likeness[nearest] <= _LEAST_LIKENESS:
        return None
    return nearest


def line_that_sets(name: str, lines: Iterable[str]) -> str | None:
    """The first line that holds this name as a whole word, outside of a comment."""
    return next(_lines_with(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", lines), None)


def _lines_with(expression: str, lines: Iterable[str]) -> Iterator[str]:
    """The first lines that match, in any case, and are not comments."""
    wanted = re.compile(rf"(?!\s*#).*{expression}", re.IGNORECASE)
    for line in islice(lines, _MAX_ITEMS):
        if wanted.match(line[:_MAX_TEXT]):
            yield line


def _distance(item: Item, states: Iterable[State], scope: EvaluationScope) -> tuple[int, float]:
    """The number of fields to correct and their differences, for the state that is nearest."""
    distances = []
    for state in states:
        unmet = unmet_entities(item, state, scope)
        difference = sum(_difference(item, entity, scope) for entity in unmet)
        distances.append((len(unmet), difference))
    return min(distances)


def _difference(item: Item, entity: Entity, scope: EvaluationScope) -> float:
    actual = item.first(entity.name)
    values = scope.values(entity)
    if actual is None or not values:
        return float("inf")
    expected = values[0]
    are_numbers = _NUMBER.fullmatch(actual) and _NUMBER.fullmatch(expected)
    if are_numbers:
        return float(abs(int(actual) - int(expected)))
    return 1.0 - _likeness(actual, expected)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_MAX_TEXT], other[:_MAX_TEXT]).ratio()
