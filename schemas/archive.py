"""Archives: what a spool has of its scans, byte for byte, outside of it: in raw bundles, and in the
archive of a fleet.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from schemas.ids import ScanId
from schemas.records import Record, Time
from schemas.values import Sha256
from schemas.waiver import Waiver

HostName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$(?!\n)",
        description="a host's name, of letters, digits and _ . -",
    ),
]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$(?!\n)")]
Bytes = Annotated[int, Meta(ge=0)]

REPORT, RECEIPT = "report", "receipt"
"""The names of a scan's report and receipt; all other files are those of its raw entry."""


class ArchivedFile(Record, frozen=True, kw_only=True):
    """One file of a scan."""

    name: FileName
    bytes: Bytes
    sha256: Sha256


class ArchivedScan(Record, frozen=True, kw_only=True):
    """The files that a spool had of one scan."""

    scan_id: ScanId
    files: tuple[ArchivedFile, ...]

    @property
    def raw_files(self) -> tuple[ArchivedFile, ...]:
        return tuple(file for file in self.files if file.name not in (REPORT, RECEIPT))

    def file(self, name: str) -> ArchivedFile | None:
        for file in self.files:
            if file.name == name:
                return file
        return None


class ArchivedHost(Record, frozen=True, kw_only=True):
    """Which host a scan is of, and with what its reports are made."""

    hostname: HostName
    origin: Sha256 | None = None
    """A digest that identifies the machine; None where only a copy of its spool is known."""
    api_id: str | None = None
    compliance: dict[str, Any] = field(default_factory=dict)
    """The section `compliance` of its settings."""
    waivers: tuple[Waiver, ...] = ()

    @property
    def key(self) -> str:
        """A name for the host that differs from those of other machines with its host name."""
        if self.origin is None:
            return self.hostname
        return f"{self.hostname}-{self.origin[:8]}"


class RawBundleEnd(Record, frozen=True, kw_only=True):
    """The last file of a raw bundle: it is complete, and this is what it holds."""

    exported_at: Time
    agent_version: str
    scans: tuple[ArchivedScan, ...]
