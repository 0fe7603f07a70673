"""What this host can scan: the specification's prerequisites detection, field for field."""

from datetime import datetime
from typing import Literal

from schemas.manifest import ContentSource
from schemas.records import Record


class ProfileInfo(Record, frozen=True, kw_only=True):
    """One profile of the installed content."""

    id: str
    title: str
    description: str
    file_path: str


class OpenSCAPDetection(Record, frozen=True, kw_only=True):
    installed: bool
    version: str = ""
    oscap_path: str = ""
    content_path: str = ""
    """The directory in which this host's content lies."""
    available_profiles: tuple[ProfileInfo, ...] = ()


class DockerBenchDetection(Record, frozen=True, kw_only=True):
    docker_installed: bool
    docker_version: str = ""
    docker_bench_method: Literal["", "container", "script"] = ""


class ComplianceCapabilities(Record, frozen=True, kw_only=True):
    """The specification's `ComplianceCapabilities`: what `detect --json` prints."""

    openscap: OpenSCAPDetection | None = None
    docker_bench: DockerBenchDetection | None = None


class Detected(Record, frozen=True, kw_only=True):
    """Capabilities with what the other stages need to know of them; kept in the scan stage's state."""

    capabilities: ComplianceCapabilities
    at: datetime
    openscap_ready: bool = False
    docker_bench_ready: bool = False
    """Ready: a scan started now would really run."""
    content_file: str | None = None
    """The datastream chosen for this host."""
    content_source: ContentSource | None = None
    content_version: str | None = None
    """Version of the content's benchmark."""
    progress_option: str = "--progress-full"
    """How this oscap is asked to tell of each rule as it goes."""
    content_warning: str | None = None
    """Why the content does not quite fit this host; None where it does."""
    docker_problem: str | None = None
    """Why Docker Bench can't run, with what to do; None where it can."""
    problems: tuple[str, ...] = ()
    """What is missing, each with the command that mends it."""
    os_id: str = ""
    os_version: str = ""
    os_name: str = ""
    os_family: str = ""
    """debian, rhel, suse or the system's own id."""
    format: Literal[1] = 1
