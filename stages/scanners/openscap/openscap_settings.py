"""The settings of OpenSCAP: the section `compliance.openscap`."""

from typing import Literal

from schemas.settings import ScannerSettings
from schemas.values import AbsolutePath, Megabytes, ProfileText, ProfileTexts, TimeLimit


class OpenSCAPSettings(ScannerSettings, frozen=True, kw_only=True):
    """The OpenSCAP scanner."""

    profile: ProfileText | ProfileTexts = "auto"
    """Full id, the part after `_profile_`, or title; of a list the first that the content has.
    `auto` takes a level 1 server profile of CIS, else cis, standard or the first."""
    content: AbsolutePath | None = None
    """A datastream to use instead of the one found for this host."""
    content_fallback: Literal["baseline", "none"] = "baseline"
    """With `profile: auto`, where no installed content is made for this release: scan with the
    built-in baseline for any Linux, or not at all."""
    content_dirs: tuple[AbsolutePath, ...] = (
        "/usr/share/xml/scap/ssg/content",
        "/usr/share/scap-security-guide",
        "/opt/scap/content",
        "/usr/share/usg-benchmarks",
        "/usr/share/ubuntu-scap-security-guides/current/benchmarks",
    )
    """Directories in which content is searched, in this order; the Ubuntu Security Guide comes
    before all others."""
    time_limit_s: TimeLimit = 3600
    """Seconds after which a scan is ended and counts as failed."""
    output_limit_mib: Megabytes = 1024
    """MiB that one scan may write; more ends it."""
    include_notselected: bool = False
    """Report the rules that the profile does not select, as not applicable."""
