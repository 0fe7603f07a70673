"""What the scan stage asks of a scanner: can it run, how is it run, what did its end mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from schemas.ids import ScanId
from schemas.manifest import Content
from schemas.request import Request
from spool.raw import Output
from stages.scanners.child import End, Limits


@dataclass(frozen=True)
class CannotRun:
    """The scan fails before it starts, for this reason; it ends with what to do."""

    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One run of a scanner, settled in every respect."""

    profile_id: str | None
    """What requests must share to be answered by the same run."""
    profile_title: str
    command: tuple[str, ...]
    limits: Limits
    scanner_version: str | None
    content: Content | None = None
    warnings: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    """A command to run before; what it finds is not part of the result."""
    prepare_time_s: float | None = None
    """The time limit of that command; None: the scan's."""
    directory: Path | None = None
    """Where the scanner must be started; None: in its draft directory."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond the fixed ones."""
    total_rules: int | None = None
    """How many results to expect, for a progress bar; None where that is not known."""


@dataclass(frozen=True)
class Progress:
    """One rule was evaluated."""

    rule: str
    result: str


@dataclass(frozen=True)
class Verdict:
    """What a run amounted to: the files to keep, and why it failed (None where it did not)."""

    outputs: tuple[Output, ...]
    error: str | None
    warnings: tuple[str, ...] = ()


class Runner(Protocol):
    """One scanner."""

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun: ...

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        """How to go on after the command that was to be run before, also where it took too long."""

    def again(self, end: End, plan: Plan) -> Plan | None:
        """Another way to run, where this end only says that the scanner can't be run this way."""

    def same_profile(self, profile: str | None) -> str | None:
        """The profile id that a request's wish comes to; None where it comes to nothing that can run."""

    def named(self, profile: str | None) -> tuple[str | None, str | None]:
        """Id and title of the profile that a request asks for; as it was asked for where the title is not known."""

    def progress(self, line: str) -> Progress | None:
        """What a line of standard output tells of a rule."""

    def judge(self, end: End, draft: Path) -> Verdict: ...

    def clean_up(self, scan_id: ScanId) -> None:
        """Remove what a run of this scan may have left on the host, after its end or after a crash."""
