"""What `parse` hands to its worker process, and what comes back."""

from datetime import datetime

from schemas.manifest import Role
from schemas.records import Record
from schemas.report import Report
from stages.runtime.exits import Exit
from stages.scanners.fix_scripts import RuleScript

PARSE_ENTRY = "stages.console.parse_worker:parse"
SCRIPTS_ENTRY = "stages.console.parse_worker:scripts"
MAX_BYTES = 2 * 1024 * 1024 * 1024
"""The longest file that is read, unpacked."""


class InputFile(Record, frozen=True, kw_only=True):
    """A file that is open in the worker process too."""

    name: str
    descriptor: int
    modified_at: datetime


class ParseTask(Record, frozen=True, kw_only=True):
    """The files of one scan."""

    files: tuple[InputFile, ...]
    include_notselected: bool
    time_zone: str | None = None
    """That of times which have none. None: this host's."""


class Parsed(Record, frozen=True, kw_only=True):
    """A report, or why there is none."""

    report: Report | None = None
    roles: tuple[Role, ...] = ()
    """What each file is, in the order of the task."""
    error: str | None = None
    exit_code: Exit = Exit.OK


class ReadScripts(Record, frozen=True, kw_only=True):
    """The scripts that fix the rules of a scan, or why there are none."""

    scripts: tuple[RuleScript, ...] = ()
    error: str | None = None
    exit_code: Exit = Exit.OK
