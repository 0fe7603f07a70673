"""The interface between a scanner and the rest of the agent.

A scanner's folder describes it in one `ScannerSpec`. The functions of a spec import what they need
when they are called: root's scan stage never loads an XML reader, and the parse stage never loads a
runner.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from schemas.capabilities import DetectedScanner, ProfileInfo
from schemas.ids import Scanner
from schemas.manifest import Role
from schemas.records import Record, Struct, field
from schemas.report import Report, RuleResult
from schemas.settings import ScannerSettings, Settings
from schemas.settings_check import KeyProblem
from stages.scanners.fix_scripts import RuleScript

if TYPE_CHECKING:
    from stages.scanners.content_support import ContentSupport
    from stages.scanners.new_tailoring import NewTailoring, TailoringChanges, TailoringRefused
    from stages.scanners.platform import Platform
    from stages.scanners.rechecking import KeptScan, RecheckPlan
    from stages.scanners.runner import CannotRun, Runner

PlanRecheck = Callable[
    [Settings, DetectedScanner, "KeptScan", Sequence[str], Path], "RecheckPlan | CannotRun"
]
"""How some rules of a scan are evaluated again; the path is a directory for files."""
MakeTailoring = Callable[
    [Settings, "TailoringChanges", datetime], "tuple[NewTailoring, str] | TailoringRefused"
]
"""How a tailoring file is made; the second part is the text of the file."""
Opener = Callable[[], BinaryIO]
"""Opens one file, unpacked; the caller closes it."""


class UnreadableError(Exception):
    """The scanner's output can't be read; the text is the reason."""


class ScannerOutput(Struct, frozen=True):
    """The files of one scan: from a run of this agent, or brought from elsewhere."""

    open_file: Callable[[Role], Opener | None]
    """None for a role that the scanner did not leave."""
    started_at: datetime
    completed_at: datetime | None = None
    """None where only the time of the files is known."""
    is_own_run: bool = False
    """Written by a run of this agent: new files, of this run alone."""
    include_notselected: bool = False
    """Also report the rules that the profile does not select, whatever the settings say."""
    not_searched: tuple[str, ...] = ()
    """Paths that the scanner was made to leave out."""
    time_zone: tzinfo | None = None
    """The zone of times without one; None: this host's."""

    def whole(self, role: Role, max_bytes: int) -> bytes | None:
        """The content of a file; None where there is none.

        Raises UnreadableError for a longer one.
        """
        opener = self.open_file(role)
        if opener is None:
            return None
        with opener() as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise UnreadableError(f"{role} is longer than {max_bytes // 2**20} MiB, the limit")
        return content


class DetectionResult(Struct, frozen=True):
    """What the detection of one scanner found."""

    scanner: DetectedScanner
    cache: Mapping[str, Any] = field(default_factory=dict)
    """Plain values that make the next detection cheaper; losing them costs time only."""


class ScannerSpec(Struct, frozen=True, eq=False):
    """One scanner. Compared by identity."""

    key: Scanner
    """Its name in scan ids, on the command line and in `--json`: `docker-bench`."""
    section: str
    """Its name where keys are identifiers: `docker_bench`. So it is called under `compliance` in
    the settings, in the specification's capabilities, and before `_enabled` in the server's
    messages."""
    title: str
    """Its name in messages: `Docker Bench`."""
    settings: type[ScannerSettings]
    capability: type[Record]
    """Its part of the specification's `ComplianceCapabilities`."""
    generic_profile: str
    """The profile name under which the server files scans that give no result."""
    default_profile: str
    """The profile name of a report where nothing better is known."""
    roles: Mapping[Role, str]
    """The files that it leaves, each with a description of it for messages."""
    surroundings: Callable[[Settings], Iterable[str | None]]
    """Paths of programs and files that detection depends on; None for one that is missing."""
    detect: Callable[[Settings, "Platform", Mapping[str, Any]], DetectionResult]
    """Look at this host; the last argument is the cache of an earlier detection."""
    runner: Callable[[Settings, DetectedScanner | None], "Runner"]
    """The runner of one scan; what was detected is None before the first detection."""
    role_of: Callable[[bytes], Role | None]
    """The role of a file that begins with these bytes; None for a file of another program."""
    read: Callable[[ScannerOutput, Settings], Report]
    """Its output as a report. Raises UnreadableError, EntryDamagedError."""
    raw_formats: Mapping[str, Role] = field(default_factory=dict)
    """Formats for `show --format` that are one of its files as it is, by their names."""
    partial_role: Role | None = None
    """The file that holds the rules that were evaluated, also where a scan was ended."""
    read_partial: Callable[[ScannerOutput], tuple[RuleResult, ...]] = field(default=lambda _: ())
    """These rules, without evidence. Raises UnreadableError, EntryDamagedError."""
    reader_modules: tuple[str, ...] = ()
    """Modules that `read` imports; a worker process imports them before there is work."""
    profile_names: frozenset[str] = frozenset()
    """Names that mean this scanner where a server asks for a profile."""
    profile_problem: Callable[[Settings, DetectedScanner, str], str | None] = field(
        default=lambda *_: None
    )
    """Why the profile of a request can't be scanned with; None where it can, or where the scanner
    has no profiles."""
    scan_problems: Callable[[Settings, DetectedScanner], Iterable[KeyProblem]] = field(
        default=lambda *_: ()
    )
    """Why scans of the settings can't run, or replace each other's results."""
    planned_profiles: Callable[[Settings, DetectedScanner], Sequence[ProfileInfo | None]] = field(
        default=lambda *_: (None,)
    )
    """The profile of each of its planned scans; None where it is not known, or the scanner has
    none."""
    install_command: "Callable[[Platform], str | None]" = field(default=lambda _: None)
    """The command that installs it; None where there is no known one."""
    content: "Callable[[], ContentSupport] | None" = None
    """Support for the security content by which it scans, where that is installed apart from it;
    None where it needs none."""
    names_content: Callable[[Settings], bool] = field(default=lambda _: False)
    """Whether the settings name the content: then it has to be there."""
    content_setting: str | None = None
    """The setting that allows content from the server."""
    fetches_content: Callable[[Settings], bool] = field(default=lambda _: False)
    """Whether the settings allow content from the server."""
    tailor: MakeTailoring | None = None
    """None where its profiles can't be tailored."""
    plan_recheck: PlanRecheck | None = None
    """None where it can't evaluate single rules."""
    read_scripts: Callable[[ScannerOutput], Sequence[RuleScript]] | None = None
    """The scripts by which its rules are fixed, in the order in which they run; None where it has
    none. Raises UnreadableError, EntryDamagedError."""
    problems: Callable[[Settings], Iterable[KeyProblem]] = field(default=lambda _: ())
    """What `config check` finds wrong with its section on this host."""
    profiles_elsewhere: Callable[[Settings], Iterable[Any]] = field(default=lambda _: ())
    """Every profile of this host, also of content that is not for it."""

    @property
    def needs_content(self) -> bool:
        return self.content is not None

    def settings_in(self, settings: Settings) -> ScannerSettings:
        """Its section of the settings."""
        return settings.compliance.section(self.settings)
