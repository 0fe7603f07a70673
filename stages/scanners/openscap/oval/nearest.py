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
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

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
    items: Sequence[Item], states: Sequence[State], scope: EvaluationScope
) -> list[Item]:
    """The items, those with the least to correct first."""
    compared = list(items[:_MAX_ITEMS])
    compared.sort(key=lambda item: _distance(item, states, scope))
    return [*compared, *items[_MAX_ITEMS:]]


def lines_in_place(target: Object, scope: EvaluationScope) -> dict[str, str]:
    """The lines that any test found where the object looks, each with its file; secrets masked."""
    lines: dict[str, str] = {}
    for item in scope.results.items.values():
        is_whole_line = item.kind in TEXT_KINDS and item.first("text") is not None
        if not is_whole_line or not is_in_place(item, target, scope):
            continue
        line = found_line(item)
        if line:
            lines.setdefault(line, item_text(item, "file") or "")
    return lines


def nearest_line(wanted: str, lines: Iterable[str]) -> str | None:
    """The line that has the first name in the wanted one and is most like it; None if none is."""
    name = _NAME.search(wanted)
    if name is None:
        return None
    nearest = None
    likeness = _LEAST_LIKENESS
    for line in list(dict.fromkeys(lines))[:_MAX_ITEMS]:
        if name[0].lower() not in line.lower() or _is_comment(line):
            continue
        ratio = SequenceMatcher(None, wanted[:_MAX_TEXT], line[:_MAX_TEXT]).ratio()
        if ratio > likeness:
            nearest = line
            likeness = ratio
    return nearest


def line_that_sets(name: str, lines: Iterable[str]) -> str | None:
    """The first line that holds this name as a whole word, outside of a comment."""
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", re.IGNORECASE)
    for line in list(dict.fromkeys(lines))[:_MAX_ITEMS]:
        if not _is_comment(line) and word.search(line[:_MAX_TEXT]):
            return line
    return None


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _distance(item: Item, states: Sequence[State], scope: EvaluationScope) -> tuple[int, float]:
    """The number of fields to correct and their differences, for the state that is nearest."""
    least: tuple[int, float] | None = None
    for state in states:
        unmet = unmet_entities(item, state, scope)
        difference = sum(_difference(item, entity, scope) for entity in unmet)
        distance = (len(unmet), difference)
        if least is None or distance < least:
            least = distance
    return least or (0, 0.0)


def _difference(item: Item, entity: Entity, scope: EvaluationScope) -> float:
    actual = item.first(entity.name)
    values = scope.values(entity)
    if actual is None or not values:
        return float("inf")
    expected = values[0]
    are_numbers = _NUMBER.fullmatch(actual) and _NUMBER.fullmatch(expected)
    if are_numbers:
        return float(abs(int(actual) - int(expected)))
    likeness = SequenceMatcher(None, actual[:_MAX_TEXT], expected[:_MAX_TEXT]).ratio()
    return 1.0 - likeness
