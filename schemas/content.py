"""Security content that is kept in the spool, and what `compliance-agent content` prints."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.manifest import ContentFit, ContentSource
from schemas.records import Record, Time
from schemas.values import Sha256

ContentFileName = Annotated[
    str,
    Meta(pattern=r"^ssg-[a-zA-Z][a-zA-Z0-9_-]*-ds\.xml(\.gz|\.bz2)?$(?!\n)", max_length=128),
]


class StoredContent(Record, frozen=True, kw_only=True):
    """One content file in the spool, beside which this lies."""

    file: ContentFileName
    sha256: Sha256
    """Of the file as it lies there."""
    product: str
    """`debian12`."""
    version: str | None = None
    origin: str
    """Where it came from, in one line."""
    at: Time
    """When it was put here."""


class ListedContent(Record, frozen=True, kw_only=True):
    """One content file of this host, as `content --json` prints it."""

    file: str
    product: str | None = None
    version: str | None = None
    modified_at: Time | None = None
    """When the file was made; None where it can't be read."""
    source: ContentSource
    origin: str | None = None
    fit: ContentFit | None = None
    """How well it fits this host; None where it is for another system."""
    used: bool = False
    reason: str
    """Why it is used, or why not."""


class ContentList(Record, frozen=True, kw_only=True):
    """The content of this host, with remarks about all of it."""

    content: tuple[ListedContent, ...]
    remarks: tuple[str, ...] = ()
    """Why nothing fits better, or at all, and what to do."""


class ContentCommand(Record, frozen=True, kw_only=True):
    """An operator's command on the content that came from the server."""

    action: Literal["fetch", "remove"]
    name: str | None = None
    """With `remove`: the file's name."""
    at: Time


class FetchState(Record, frozen=True, kw_only=True):
    """The last check of the server's content, as the trigger stage keeps it."""

    at: Time
    command: str | None = None
    """The id of the last command that was carried out."""
    offered: str | None = None
    """The version that the server had."""
    outcome: str
    """What came of it, in one line."""
    failed: bool = False
    refused: tuple[str, ...] = ()
    """Files with their version that were refused: they are not fetched again."""


FETCH_STATE = "content"
"""The trigger stage keeps `FetchState` in its state under this name."""
