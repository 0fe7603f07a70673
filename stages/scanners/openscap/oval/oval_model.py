"""What is kept of OVAL results: the parts that explain the definitions asked for."""

from dataclasses import dataclass, field
from typing import Literal

ResultValue = Literal["true", "false", "error", "unknown", "not evaluated", "not applicable"]


@dataclass(frozen=True, slots=True)
class Entity:
    """One field of an object (what was looked for) or of a state (what was demanded)."""

    name: str
    operation: str = "equals"
    value: str | None = None
    datatype: str = "string"
    var_ref: str | None = None
    var_check: str = "all"
    check: str = "all"
    masked: bool = False
    nil: bool = False


@dataclass(frozen=True, slots=True)
class Object:
    id: str
    kind: str
    """Name without `_object`: `file`, `textfilecontent54`, …"""
    entities: tuple[Entity, ...] = ()
    members: tuple[str, ...] = ()
    """Objects that a set is made of."""
    filters: tuple[tuple[str, str], ...] = ()
    """`include` or `exclude`, and a state's id."""
    below: bool = False
    """Directories are searched with all that lies below them."""
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    id: str
    kind: str
    operator: str = "AND"
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """A test as it was defined."""

    id: str
    kind: str
    check: str = "all"
    existence: str = "at_least_one_exists"
    operator: str = "AND"
    comment: str | None = None
    object: str | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluatedTest:
    """A test as it came out; of many items only the first of each result are kept."""

    id: str
    result: ResultValue
    items: tuple[tuple[str, ResultValue], ...] = ()
    counts: dict[ResultValue, int] = field(default_factory=dict)
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    message: str | None = None


@dataclass(frozen=True, slots=True)
class CollectedObject:
    """What came of looking for an object: the flag `complete`, `does not exist`, `error`, …"""

    flag: str
    message: str | None = None
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemField:
    """One field of an item."""

    name: str
    text: str | None
    status: str = "exists"
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """What was found on the host."""

    kind: str
    status: str = "exists"
    values: tuple[ItemField, ...] = ()
    message: str | None = None

    def first(self, *names: str) -> str | None:
        """The text of the first field of these names that has one."""
        for name in names:
            for value in self.values:
                if value.name == name and value.text:
                    return value.text
        return None

    def all(self, name: str) -> list[str]:
        return [
            value.text for value in self.values if value.name == name and value.text is not None
        ]


@dataclass(frozen=True, slots=True)
class CriteriaNode:
    """A part of a criteria tree as it came out; `result` is after negation.

    A leaf names a test or another definition; any other node has an operator over its children.
    """

    result: ResultValue
    negate: bool = False
    test: str | None = None
    definition: str | None = None
    operator: str = "AND"
    children: tuple["CriteriaNode", ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """`tree` is None where the results hold no criteria (thin results)."""

    id: str
    kind: str
    """Its class: `compliance`, `vulnerability`, `patch`, `inventory`, …"""
    title: str | None
    result: ResultValue
    tree: CriteriaNode | None


@dataclass
class OvalResults:
    """All that is known of one set of OVAL results."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    tests: dict[str, Test] = field(default_factory=dict)
    tested: dict[str, EvaluatedTest] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    collected: dict[str, CollectedObject] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Variable id to the objects that its values were read from."""
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Variable id to the variables that it is made of."""
    captures: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Variable id to the one object whose value it is, and the pattern that takes a part of that, if one does."""
    constants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    """Variable id to its comment."""
