"""OpenSCAP's part of the specification's `ComplianceCapabilities`."""

from schemas.capabilities import ProfileInfo
from schemas.records import Record


class OpenSCAPDetection(Record, frozen=True, kw_only=True):
    """The field `openscap`."""

    installed: bool
    version: str = ""
    oscap_path: str = ""
    content_path: str = ""
    """The directory in which this host's content lies."""
    available_profiles: tuple[ProfileInfo, ...] = ()
