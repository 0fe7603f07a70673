"""The changes to a profile that an operator names, and the tailoring that comes of them."""

from schemas.records import Record, Struct


class TailoringChanges(Struct, frozen=True):
    """The changes, as the operator names them."""

    profile: str | None
    """By id, short id or title; None: the one of the settings."""
    unselect: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    """Names of values and their texts."""
    title: str | None = None
    output: str = ""
    """The file that is going to be written."""


class NewTailoring(Record, frozen=True, kw_only=True):
    """A tailoring file that was made."""

    profile: str
    """The id of the new profile."""
    title: str
    extends: str
    content: str
    unselected: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    """What has no effect, or is needed beside the file."""


class TailoringRefused(Struct, frozen=True):
    """Why no file was made: all problems, each with what to do."""

    problems: tuple[str, ...]
