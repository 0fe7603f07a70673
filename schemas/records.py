"""The base of all records: frozen, compared by value, fields by keyword."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What passes between the stages never changes once it is made."""


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
