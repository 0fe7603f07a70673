"""Reading scanner output that an operator names, in a worker process without privileges.

Security: the files are opened with the rights of the caller and read in a worker process that has
none: another user where root calls, no new privileges, limits of memory, time and file size.
"""

import os
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas import codec
from schemas.manifest import Role
from schemas.report import Report
from stages.console.output import unicode_text
from stages.console.parse_task import (
    PARSE_ENTRY,
    SCRIPTS_ENTRY,
    InputFile,
    Parsed,
    ParseTask,
    ReadScripts,
)
from stages.console.sources import Source
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import Confinement, Worker, WorkerError, unprivileged
from stages.scanners.fix_scripts import RuleScript

_LIMIT_S = 900.0
_CPU_S = 600
_MEMORY_BYTES = 4 * 1024 * 1024 * 1024
_FILE_BYTES = 1024 * 1024


def read_scanner_files(
    sources: Sequence[Source], time_zone: str | None, *, include_notselected: bool = False
) -> tuple[Report, Sequence[Role]]:
    """The report of one scan, and what each file is. Raises CommandError."""
    task = _task(sources, time_zone, include_notselected=include_notselected)
    parsed = codec.decode(_answer(PARSE_ENTRY, task), Parsed)
    if parsed.report is None:
        raise CommandError(parsed.error or "no report", parsed.exit_code)
    return parsed.report, parsed.roles


def read_rule_scripts(sources: Sequence[Source]) -> Sequence[RuleScript]:
    """The scripts that fix the rules of one scan, in the order of its rules. Raises
    CommandError."""
    task = _task(sources, None, include_notselected=False)
    found = codec.decode(_answer(SCRIPTS_ENTRY, task), ReadScripts)
    if found.error is not None:
        raise CommandError(found.error, found.exit_code)
    return found.scripts


def _task(
    sources: Sequence[Source], time_zone: str | None, *, include_notselected: bool
) -> ParseTask:
    files: list[InputFile] = []
    for source in sources:
        # The worker process inherits the descriptor, under the same number.
        os.set_inheritable(source.descriptor, True)
        file = InputFile(
            name=unicode_text(source.name),
            descriptor=source.descriptor,
            modified_at=source.modified_at,
        )
        files.append(file)
    return ParseTask(
        files=tuple(files),
        include_notselected=include_notselected,
        time_zone=_checked_zone(time_zone),
    )


def _answer(entry: str, task: ParseTask) -> bytes:
    """Raises CommandError."""
    worker = Worker(StandaloneHost(), entry, confinement=_confinement())
    try:
        return worker.call(codec.encode(task), _LIMIT_S)
    except WorkerError as error:
        names = ", ".join(file.name for file in task.files)
        raise CommandError(f"{names}: the process that read it {error}", Exit.NO) from error
    finally:
        worker.stop()


def _checked_zone(name: str | None) -> str | None:
    """Raises CommandError for a name that is not a time zone."""
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"no time zone {name!r}: use a name such as Europe/Berlin, or UTC"
        raise CommandError(message, Exit.USAGE) from error


def _confinement() -> Confinement:
    return unprivileged(memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, file_bytes=_FILE_BYTES)
