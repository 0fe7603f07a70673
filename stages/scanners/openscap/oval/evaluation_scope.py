"""Where the values of a test's variables come from. Pure."""

from collections.abc import Mapping

from schemas.codec import replace
from schemas.records import Struct
from stages.scanners.openscap.oval.oval_model import Entity, Object, OvalResults

_MAX_DEPTH = 4


class EvaluationScope(Struct, frozen=True):
    """One evaluated test within its results."""

    results: OvalResults
    variables: Mapping[str, tuple[str, ...]]
    """The values that the scanner used, and those of constants."""
    target: Object
    """The object of the test."""
    depth: int = 0
    """The number of references between objects up to here; in hostile content they are circular."""

    @property
    def too_deep(self) -> bool:
        return self.depth > _MAX_DEPTH

    def deeper(self) -> "EvaluationScope":
        return replace(self, depth=self.depth + 1)

    def values(self, entity: Entity) -> tuple[str, ...]:
        """The values of a field, with its variable resolved; none where they are not known."""
        if entity.var_ref is None:
            return (entity.value,)
        return self.variables.get(entity.var_ref, ())

    def value(self, entity: Entity) -> str | None:
        """The one value of a field; None where there is none, or several."""
        values = self.values(entity)
        if len(values) != 1:
            return None
        return values[0]

    def is_duration(self) -> bool:
        """Whether the object is a variable that holds a difference of times, in seconds."""
        names = {entity.var_ref for entity in self.target.entities}
        return not names.isdisjoint(self.results.time_differences)
