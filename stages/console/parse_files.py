"""`parse`: scanner output made elsewhere, plain or compressed, to a report on standard output.

On a terminal the report is shown as text; piped, or with --json, it is the report itself. `-` is
standard input.

Security: the files are opened with the rights of the caller and read in a worker process that has
none: another user where root calls, no new privileges, limits of memory, time and file size.
"""

import argparse
import os
import pwd
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas import codec
from schemas.report import Report
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.format_output import add_format_arguments, chosen_format, write_report
from stages.console.output import show_json, unicode_text
from stages.console.parse_task import MAX_BYTES, PARSE_ENTRY, InputFile, Parsed, ParseTask
from stages.console.report_view import show_failed, show_summary
from stages.console.sources import Source, open_sources
from stages.formats import registry
from stages.formats.source import ReportSource
from stages.runtime.exits import Exit
from stages.runtime.version import AGENT_VERSION
from stages.runtime.worker import Confinement, Worker, WorkerError

_LIMIT_S = 900.0
_CPU_S = 600
_MEMORY_BYTES = 4 * 1024 * 1024 * 1024
_FILE_BYTES = 1024 * 1024
_NOBODY = 65534


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="the output files of one scan; - is standard input",
    )
    parser.add_argument(
        "--include-notselected",
        action="store_true",
        help="include rules that the profile does not select",
    )
    parser.add_argument(
        "--time-zone",
        metavar="NAME",
        help="the zone of times without one, for example Europe/Berlin (default: this host's)",
    )
    add_format_arguments(parser, registry.names_from_report())


def run(args: argparse.Namespace, context: Context) -> Exit:
    with open_sources(args.files, MAX_BYTES) as sources:
        report = _parse(sources, args)
        if args.format or args.output:
            source = ReportSource(report=report, agent_version=AGENT_VERSION)
            write_report(chosen_format(args, context), source, args.output)
            return Exit.OK
    if context.json or not sys.stdout.isatty():
        show_json(report)
    else:
        show_summary(report)
        show_failed(report)
    return Exit.OK


def _parse(sources: Sequence[Source], args: argparse.Namespace) -> Report:
    """Read the files in a worker process. Raises CommandError."""
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
        files=files,
        include_notselected=args.include_notselected,
        time_zone=_checked_zone(args.time_zone),
    )
    worker = Worker(_Caller(), PARSE_ENTRY, confinement=_confinement())
    try:
        parsed = codec.decode(worker.call(codec.encode(task), _LIMIT_S), Parsed)
    except WorkerError as error:
        names = ", ".join(file.name for file in files)
        raise CommandError(f"{names}: the process that read it {error}", Exit.NO) from error
    finally:
        worker.stop()
    if parsed.report is None:
        raise CommandError(parsed.error or "no report", parsed.exit_code)
    return parsed.report


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
    user = group = None
    if os.geteuid() == 0:
        user, group = _nobody()
    return Confinement(
        user_id=user,
        group_id=group,
        memory_bytes=_MEMORY_BYTES,
        cpu_s=_CPU_S,
        file_bytes=_FILE_BYTES,
    )


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY, _NOBODY
    return entry.pw_uid, entry.pw_gid


class _Caller:
    """This process, as a worker needs it."""

    def __init__(self) -> None:
        self.stopping = False
        self.readers: dict[int, Callable[[], None]] = {}

    def wait(self, timeout_s: float, handles: Sequence[int] = ()) -> list[int]:
        return select.select(handles, [], [], timeout_s)[0]
