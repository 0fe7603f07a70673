"""Where the values of a test's variables come from. Pure."""

from schemas.codec import replace
from schemas.records import Struct
from stages.scanners.openscap.oval.oval_model import (
    CollectedObject,
    Entity,
    EvaluatedTest,
    Object,
    OvalResults,
)

_MAX_DEPTH = 4


class EvaluationScope(Struct, frozen=True):
    """One evaluated test within its results."""

    results: OvalResults
    evaluated: EvaluatedTest | None
    collected: CollectedObject | None
    target: Object
    """The object of the test."""
    depth: int = 0
    """The number of references between objects up to here; in hostile content they are circular."""

    @property
    def too_deep(self) -> bool:
        return self.depth > _MAX_DEPTH

    def deeper(self) -> "EvaluationScope":
        return replace(self, depth=self.depth + 1)

    def values(self, entity: Entity) -> tuple[str, ...] | None:
        """The values of a field, with its variable resolved; None where that is unknown.

        The scanner records the values with the test, with the collected object, or (constants of
        the content) not at all.
        """
        if entity.var_ref is None:
            return (entity.value or "",)
        for recorded in (self.evaluated, self.collected):
            if recorded is not None and entity.var_ref in recorded.variables:
                return recorded.variables[entity.var_ref]
        return self.results.constants.get(entity.var_ref)

    def value(self, entity: Entity) -> str | None:
        """The one value of a field; None where there is none, or several."""
        values = self.values(entity)
        if values is None or len(values) != 1:
            return None
        return values[0]

    def is_duration(self) -> bool:
        """Whether the object is a variable that holds a difference of times, in seconds."""
        if self.target.kind != "variable":
            return False
        names = {entity.var_ref for entity in self.target.entities}
        return not names.isdisjoint(self.results.time_differences)
