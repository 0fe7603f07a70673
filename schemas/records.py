"""The base of all records: frozen, compared by value, fields by keyword."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What passes between the stages never changes once it is made."""
