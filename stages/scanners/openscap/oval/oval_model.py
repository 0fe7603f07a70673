"""The part of OVAL results that explains a definition, as plain records.

The names are those of the OVAL language 5.11: definition, criteria, test, object, state, item,
variable. An *entity* is one field of an object or a state; an *item* is what the scanner collected.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Literal

from schemas.records import Struct, field

ResultValue = Literal["true", "false", "error", "unknown", "not evaluated", "not applicable"]
"""OVAL's ResultEnumeration."""
Variables = dict[str, tuple[str, ...]]
"""Variable id to its values."""


class Entity(Struct, frozen=True):
    """One field of an object (what is looked for) or of a state (what is expected)."""

    name: str
    operation: str = "equals"
    value: str = ""
    datatype: str = "string"
    var_ref: str | None = None
    var_check: str = "all"
    check: str = "all"
    masked: bool = False
    nil: bool = False


class Object(Struct, frozen=True):
    id: str
    kind: str
    """Name without `_object`: `file`, `textfilecontent54`, …"""
    entities: tuple[Entity, ...] = ()
    members: tuple[str, ...] = ()
    """The ids of the objects that a set combines."""
    included: tuple[str, ...] = ()
    """The ids of states: only what satisfies all of them counts."""
    excluded: tuple[str, ...] = ()
    """The ids of states: what satisfies one of them does not count."""
    recursive: bool = False
    """Directories are searched with their subdirectories."""
    ignores_case: bool = False
    """Patterns ignore case."""
    is_one_text: bool = False
    """`^` and `$` are the start and the end of the file, not of a line."""
    comment: str | None = None


class State(Struct, frozen=True):
    id: str
    kind: str
    operator: str = "AND"
    entities: tuple[Entity, ...] = ()


class Test(Struct, frozen=True):
    """A test as it is defined."""

    id: str
    kind: str
    check: str = "all"
    existence: str = "at_least_one_exists"
    operator: str = "AND"
    comment: str | None = None
    object: str | None = None
    states: tuple[str, ...] = ()


class EvaluatedTest(Struct, frozen=True):
    """A test as it was evaluated. Only the first items with each result are kept."""

    id: str
    result: ResultValue
    items: tuple[tuple[str, ResultValue], ...] = ()
    counts: dict[ResultValue, int] = field(default_factory=dict)
    variables: Variables = field(default_factory=dict)
    message: str | None = None


class CollectedObject(Struct, frozen=True):
    """The outcome of the search for an object; `flag`: `complete`, `does not exist`, `error`, …"""

    flag: str
    message: str | None = None
    variables: Variables = field(default_factory=dict)


class ItemField(Struct, frozen=True):
    name: str
    text: str
    status: str = "exists"
    masked: bool = False


class Item(Struct, frozen=True):
    """One thing that the scanner found on the host."""

    kind: str
    status: str = "exists"
    fields: tuple[ItemField, ...] = ()
    message: str | None = None

    def first(self, *names: str) -> str | None:
        """The text of the first of these fields that is not empty."""
        texts = chain.from_iterable(map(self.all, names))
        return next(filter(None, texts), None)

    def all(self, name: str) -> list[str]:
        """The texts of every field of this name."""
        return [found.text for found in self.fields if found.name == name]


class CriteriaNode(Struct, frozen=True):
    """A node of an evaluated criteria tree; `result` is after negation.

    A leaf names a test or another definition; any other node combines its children.
    """

    result: ResultValue
    negate: bool = False
    test: str | None = None
    definition: str | None = None
    operator: str = "AND"
    children: tuple["CriteriaNode", ...] = ()


class Definition(Struct, frozen=True):
    """`tree` is None where the results hold no criteria (thin results)."""

    id: str
    definition_class: str
    """`compliance`, `vulnerability`, `patch`, `inventory`, …"""
    title: str | None
    result: ResultValue
    tree: CriteriaNode | None


class VariableCapture(Struct, frozen=True):
    """A variable whose value is an object's `subexpression`, or what `pattern` captures of it."""

    object: str
    pattern: str | None


class OvalResults(Struct):
    """What is kept of one set of OVAL results. All keys are OVAL ids."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    tests: dict[str, Test] = field(default_factory=dict)
    evaluated_tests: dict[str, EvaluatedTest] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    collected_objects: dict[str, CollectedObject] = field(default_factory=dict)
    cut_off_objects: dict[str, str] = field(default_factory=dict)
    """All objects whose items the scanner did not collect completely, with its messages."""
    items: dict[str, Item] = field(default_factory=dict)
    variable_objects: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The objects that a variable's values come from."""
    variable_components: Variables = field(default_factory=dict)
    """The variables that a variable is computed from."""
    variable_captures: dict[str, VariableCapture] = field(default_factory=dict)
    variable_comments: dict[str, str] = field(default_factory=dict)
    time_differences: set[str] = field(default_factory=set)
    """The variables that are a number of seconds between two times."""
    constants: Variables = field(default_factory=dict)

    def object(self, name: str) -> Object:
        """The object of this id; one without a kind where the results do not define it."""
        return self.objects.get(name, Object(name, ""))

    def known_states(self, names: Iterable[str]) -> tuple[State, ...]:
        """Those of the states that the results define."""
        return tuple(self.states[name] for name in names if name in self.states)
