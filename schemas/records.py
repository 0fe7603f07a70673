"""The bases of all records, and of the values that a process works with.

A `Struct` is what a dataclass is elsewhere, made by a C library at a tenth of the cost: a process
that loads a hundred of them starts sooner and stays smaller.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta as Meta
from msgspec import Struct as Struct
from msgspec import field as field

Time = Annotated[datetime, Meta(tz=True)]
"""A time with its offset from UTC. One without can't be compared with the others: where a record
holds it, the record can't be decoded."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What passes between the stages never changes once it is made."""


class Section(Record, frozen=True, kw_only=True):
    """A section of the settings whose keys may contradict each other."""

    def conflicts(self) -> Iterable[tuple[str, str]]:
        """The keys that do not go with others, each with a message."""
        return ()


R = TypeVar("R", bound=Record)


def extended(base: type[R], fields: Mapping[str, tuple[object, object]]) -> type[R]:
    """The record `base` with more fields, each given by its type and default. Keeps name and
    description.
    """
    record = msgspec.defstruct(
        base.__name__,
        [(name, cast(Any, kind), default) for name, (kind, default) in fields.items()],
        bases=(base,),
        namespace={"__doc__": base.__doc__},
        module=base.__module__,
        frozen=True,
        kw_only=True,
    )
    return cast(type[R], record)
