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
from stages.console.errors import CommandError
from stages.console.output import unicode_text
from stages.console.parse_task import PARSE_ENTRY, InputFile, Parsed, ParseTask
from stages.console.sources import Source
from stages.runtime.exits import Exit
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import Confinement, Worker, WorkerError, unprivileged

_LIMIT_S = 900.0
_CPU_S = 600
_MEMORY_BYTES = 4 * 1024 * 1024 * 1024
_FILE_BYTES = 1024 * 1024


def read_scanner_files(
    sources: Sequence[Source], time_zone: str | None, *, include_notselected: bool = False
) -> tuple[Report, Sequence[Role]]:
    """The report of one scan, and what each file is. Raises CommandError."""
    for source in sources:
        # The worker process has them under the same number.
        os.set_inheritable(source.descriptor, True)
    files = tuple(
        InputFile(
            name=unicode_text(source.name),
            descriptor=source.descriptor,
            modified_at=source.modified_at,
        )
        for source in sources
    )
    task = ParseTask(
        files=files, include_notselected=include_notselected, time_zone=_checked_zone(time_zone)
    )
    worker = Worker(StandaloneHost(), PARSE_ENTRY, confinement=_confinement())
    try:
        parsed = codec.decode(worker.call(codec.encode(task), _LIMIT_S), Parsed)
    except WorkerError as error:
        names = ", ".join(file.name for file in files)
        raise CommandError(f"{names}: the process that read it {error}", Exit.NO) from error
    finally:
        worker.stop()
    if parsed.report is None:
        raise CommandError(parsed.error or "no report", parsed.exit_code)
    return parsed.report, parsed.roles


def _checked_zone(name: str | None) -> str | None:
    """Raises CommandError for a name that is no time zone."""
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"no time zone {name!r}: use a name such as Europe/Berlin, or UTC"
        raise CommandError(message, Exit.USAGE) from error


def _confinement() -> Confinement:
    return unprivileged(memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, file_bytes=_FILE_BYTES)
