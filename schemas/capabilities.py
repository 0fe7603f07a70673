"""What this host can scan, as the scan stage has detected it.

`detect --json` prints the specification's `ComplianceCapabilities`; each scanner's part of it is a
record in that scanner's folder, and travels here as plain values (`DetectedScanner.specified`).
"""

from collections.abc import Mapping
from typing import Any

from schemas.ids import Scanner
from schemas.manifest import ContentFit, ContentSource
from schemas.records import Record, Time
from schemas.settings_check import KeyProblem

DETECTED_STATE = "detected"
"""The scan stage keeps `Detected` in its state under this name."""


class ProfileInfo(Record, frozen=True, kw_only=True):
    """One profile that a scanner offers."""

    id: str
    title: str
    description: str
    file_path: str

    @property
    def short_name(self) -> str:
        """The part of an XCCDF id after `_profile_`; any other id as it is."""
        return self.id.rpartition("_profile_")[2]


class DetectedContent(Record, frozen=True, kw_only=True):
    """The security content chosen for this host."""

    file: str
    source: ContentSource
    fit: ContentFit = "unknown"
    version: str | None = None
    origin: str | None = None
    """Where the file came from, in one line; None for a file of a package."""
    warning: str | None = None
    """Why the content does not quite fit this host; None where it does."""
    remarks: tuple[str, ...] = ()
    """What else an operator should know of it; nothing is wrong."""


class DetectedScanner(Record, frozen=True, kw_only=True):
    """One scanner on this host."""

    installed: bool
    ready: bool
    """A scan started now would run."""
    version: str | None = None
    problems: tuple[str, ...] = ()
    """What is missing, each with the command that provides it."""
    settings_problems: tuple[KeyProblem, ...] = ()
    """What is wrong with files that its settings name: it may scan all the same."""
    profiles: tuple[ProfileInfo, ...] = ()
    content: DetectedContent | None = None
    specified: Mapping[str, Any] = {}
    """The scanner's part of `ComplianceCapabilities`, field for field."""
    details: Mapping[str, Any] = {}
    """What only the scanner itself needs, as a record of its own."""

    @property
    def warnings(self) -> tuple[str, ...]:
        if self.content is None or self.content.warning is None:
            return ()
        return (self.content.warning,)


class ComplianceCapabilities(Record, frozen=True, kw_only=True):
    """The specification's `ComplianceCapabilities`: one field for each scanner's section."""


class Detected(Record, frozen=True, kw_only=True):
    """All scanners of this host, by key; kept in the scan stage's state."""

    at: Time
    scanners: Mapping[Scanner, DetectedScanner] = {}
    os_id: str = ""
    os_version: str = ""
    os_name: str = ""
    os_family: str = ""
    """debian, rhel, suse or the system's own id."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems of all scanners."""
        return tuple(problem for found in self.scanners.values() for problem in found.problems)

    @property
    def profiles(self) -> tuple[ProfileInfo, ...]:
        """The profiles of all scanners."""
        return tuple(profile for found in self.scanners.values() for profile in found.profiles)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all scanners."""
        return tuple(warning for found in self.scanners.values() for warning in found.warnings)
