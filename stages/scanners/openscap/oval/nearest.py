"""What of the things found comes nearest to what was looked for. Pure.

Where one line has to be right and several were found, the one that lacks least is the one to
change: of `TMOUT=900` and `TMOUT=0` beside an expected `at most 600` that is the first. A number is
near by its distance, a text by the characters that it has in common.

Security: texts come from the host. They are cut before they are compared.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from stages.scanners.openscap.oval.evaluation_scope import EvaluationScope
from stages.scanners.openscap.oval.item_wording import unmet_entities
from stages.scanners.openscap.oval.oval_model import Entity, Item, State

_MAX_TEXT = 200
_MAX_ITEMS = 200
_NUMBER = re.compile(r"-?\d{1,15}")
_NAME = re.compile(r"[A-Za-z][\w.-]{2,}")
_LEAST_LIKENESS = 0.5


def nearest_first(
    items: Sequence[Item], states: Iterable[State], scope: EvaluationScope
) -> list[Item]:
    """The items, that with the least to correct before the others."""
    states = list(states)
    compared = list(items[:_MAX_ITEMS])
    compared.sort(key=lambda item: _distance(item, states, scope))
    return [*compared, *items[_MAX_ITEMS:]]


def nearest_line(wanted: str, lines: Iterable[str]) -> str | None:
    """The line that is most like the wanted one and has its first name; None for none."""
    name = _NAME.search(wanted)
    if name is None:
        return None
    best, likeness = None, _LEAST_LIKENESS
    for line in list(dict.fromkeys(lines))[:_MAX_ITEMS]:
        if name[0].lower() not in line.lower() or line.lstrip().startswith("#"):
            continue
        ratio = SequenceMatcher(None, wanted[:_MAX_TEXT], line[:_MAX_TEXT]).ratio()
        if ratio > likeness:
            best, likeness = line, ratio
    return best


def _distance(item: Item, states: Sequence[State], scope: EvaluationScope) -> tuple[int, float]:
    """The number of fields to correct, and how far they are off; of several states the least."""
    distances = []
    for state in states:
        unmet = unmet_entities(item, state, scope)
        distances.append((len(unmet), sum(_difference(item, one, scope) for one in unmet)))
    return min(distances, default=(0, 0.0))


def _difference(item: Item, entity: Entity, scope: EvaluationScope) -> float:
    actual = item.first(entity.name)
    values = scope.values(entity)
    if actual is None or not values:
        return float("inf")
    if _NUMBER.fullmatch(actual) and _NUMBER.fullmatch(values[0]):
        return float(abs(int(actual) - int(values[0])))
    likeness = SequenceMatcher(None, actual[:_MAX_TEXT], values[0][:_MAX_TEXT]).ratio()
    return 1.0 - likeness
