"""The scan stage's interface to a scanner: whether and how it runs, and what its end means."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from schemas.ids import ScanId
from schemas.manifest import Content, TailoringFile
from schemas.records import Struct, field
from schemas.request import FailureCause, Request
from spool.raw import Output
from stages.scanners.captured_output import Line
from stages.scanners.child import Cause, ChildLimits, End

_CAUSES: Mapping[Cause, FailureCause] = {
    Cause.TIME_LIMIT: "time-limit",
    Cause.OUTPUT_LIMIT: "output-limit",
    Cause.NOT_STARTED: "not-started",
}


class CannotRun(Struct, frozen=True):
    """The scan fails before it starts; the reason ends with what to do."""

    reason: str
    cause: FailureCause
    warnings: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """One run of a scanner, settled in every respect."""

    profile_id: str | None
    profile_title: str
    command: tuple[str, ...]
    limits: ChildLimits
    scanner_version: str | None
    content: Content | None = None
    tailoring: TailoringFile | None = None
    not_searched: tuple[str, ...] = ()
    """Paths that the scanner was made to leave out."""
    warnings: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    """A command to run before; its output is not part of the result."""
    prepare_time_s: float | None = None
    """The time limit of that command; None: the scan's."""
    directory: Path | None = None
    """Where the scanner must be started; None: in its draft directory."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond the fixed ones."""
    total_rules: int | None = None
    """How many results to expect, for a progress bar; None where that is not known."""


class Progress(Struct, frozen=True):
    """One rule was evaluated."""

    rule: str
    result: str


class Verdict(Struct, frozen=True):
    """The result of a run: the files to keep, and why it failed (None where it did not)."""

    outputs: tuple[Output, ...]
    error: str | None
    warnings: tuple[str, ...] = ()


class Runner(Protocol):
    """One scanner."""

    def plan(self, request: Request, draft: Path) -> Plan | CannotRun:
        """How to run the scan; files that the scanner needs are laid in the draft.

        Raises OSError for trouble of the machine: a full disk, no file handles.
        """

    def prepared(self, end: End, plan: Plan) -> Plan | CannotRun:
        """How to go on after the command `prepare` has ended, also where it took too long."""

    def again(self, end: End, plan: Plan) -> Plan | None:
        """Another way to run, where this end means that the scanner can't be run this way."""

    def is_same_scan(self, request: Request, other: Request) -> bool:
        """Whether one run answers both: they mean the same profile, tailoring and content.

        False where one of them can't be run.
        """

    def named(self, request: Request) -> tuple[str | None, str | None]:
        """Id and title of the profile that a request names; its own text where the title is not
        known."""

    def progress(self, line: Line) -> Progress | None:
        """The rule whose result a line of standard output reports, if any."""

    def judge(self, end: End, draft: Path) -> Verdict: ...

    def clean_up(self, scan_id: ScanId) -> None:
        """Remove what a run of this scan may have left on the host, after its end or after a
        crash."""

    def remove_leftovers(self, raw: Path) -> "list[Leftover]":
        """Remove what crashed scans into this directory left running; called when no scan runs."""


class Leftover(Struct, frozen=True):
    """Something that a crashed scan left on the host."""

    scan_id: ScanId
    what: str
    problem: str | None = None
    """Why it could not be removed; None where it was."""


def error_of_end(program: str, end: End, expected: tuple[int, ...]) -> str | None:
    """Why a run failed, by its end alone; None where it ended with an expected exit code."""
    if end.ended_by:
        if end.ended_by.cause is Cause.CANCELLED:
            return end.ended_by.message
        message = f"{program} {end.ended_by.message}"
        if end.ended_by.cause is Cause.TIME_LIMIT:
            return f"time limit: {message}"
        return message
    last_line = ""
    if end.last_line:
        last_line = f": {end.last_line}"
    if end.signal is not None:
        return f"{program} was ended by signal {end.signal}{last_line}"
    if end.exit_code not in expected:
        return f"{program} ended with exit code {end.exit_code}{last_line}"
    return None


def cause_of_end(end: End) -> FailureCause:
    """What made a run fail, by its end."""
    if end.cause is not None:
        return _CAUSES.get(end.cause, "scanner-failed")
    if end.signal is not None:
        return "scanner-killed"
    return "scanner-failed"
