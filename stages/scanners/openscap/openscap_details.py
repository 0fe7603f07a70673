"""What detection hands to the runner: how this oscap is called, and with which file."""

from collections.abc import Mapping

from schemas.capabilities import DetectedScanner
from schemas.manifest import TailoringFile
from schemas.records import Record
from stages.scanners.openscap.oscap_program import PROGRESS_BY_TITLE


class OtherContent(Record, frozen=True, kw_only=True):
    """Content beside that chosen for this host, which a profile may name."""

    sha256: str | None = None
    version: str | None = None
    origin: str | None = None


class DetectedScan(Record, frozen=True, kw_only=True):
    """What was detected for one of several scans, as if the settings had no other."""

    content: str | None
    """The setting; None: the content for this host."""
    tailoring: str | None
    may_fall_back: bool
    """The built-in baseline may take the place of other content."""
    scanner: DetectedScanner


class OpenSCAPDetails(Record, frozen=True, kw_only=True):
    """What detection found out for the runner."""

    oscap_path: str = ""
    progress_option: str | None = PROGRESS_BY_TITLE
    """The option by which this oscap reports each rule with its title; None where it does so
    without one."""
    skip_validation_option: str | None = None
    """The option by which this oscap does not validate content against the schemas."""
    script_results_option: str | None = None
    """The option by which this oscap keeps the output of checks by script."""
    content_sha256: str | None = None
    """SHA-256 of the content, where its publisher gives it or it was checked before."""
    refuses_remote_parts: bool = False
    """Whether this oscap refuses a datastream with parts on other hosts, as those before 1.3 do."""
    rule_counts: Mapping[str, int] = {}
    """Profile id to the number of rules that the profile selects."""
    profile_options: Mapping[str, tuple[str, ...]] = {}
    """Profile id to the options by which oscap finds it, where its id alone is not enough."""
    tailored: Mapping[str, TailoringFile] = {}
    """Profile id to the tailoring file that has the profile."""
    tailoring_warnings: tuple[str, ...] = ()
    """Warnings about parts of the tailoring that have no effect."""
    profile_names: Mapping[str, str] = {}
    """Further names of profiles, to their ids; `auto` where a tailoring decides."""
    other_content: Mapping[str, OtherContent] = {}
    """By path: the files of profiles that are not in the chosen content."""
    scans: tuple[DetectedScan, ...] = ()
    """Where the settings list scans with different content: all of these."""
