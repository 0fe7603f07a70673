"""The bundle: reports on their way to a host that reaches the server, in one file."""

from typing import Annotated

from msgspec import Meta

from schemas.ids import ScanId
from schemas.records import Record, Time
from schemas.values import MessageText, Text


class BundledReport(Record, frozen=True, kw_only=True):
    """One report of a bundle."""

    scan_id: ScanId
    sha256: str
    """Of its entry, which is the same in the spool and in the bundle."""
    bytes: Annotated[int, Meta(ge=0)]


class Bundle(Record, frozen=True, kw_only=True):
    """The index at the start of a bundle: where it comes from, and which reports follow."""

    origin: MessageText
    """A digest that identifies the host."""
    api_id: Text | None = None
    """The `api.id` of the host that exported; None if that was not set."""
    hostname: MessageText
    exported_at: Time
    agent_version: MessageText
    reports: tuple[BundledReport, ...]
