"""`parse`: scanner output made elsewhere, plain or compressed, to a report on standard output.

On a terminal the report is shown as text; piped, or with --json, it is the report itself. `-` is standard input.
"""

import argparse
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from schemas.manifest import Role
from schemas.report import Report
from spool.packing import PackingError, unpacked
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.output import show_json
from stages.console.report_view import show_failed, show_summary
from stages.console.sources import seekable
from stages.runtime.exits import Exit
from stages.scanners import registry
from stages.scanners.spec import Opener, ScannerOutput, ScannerSpec, UnreadableError

_HEAD_BYTES = 64 * 1024
_MAX_BYTES = 2 * 1024 * 1024 * 1024


@dataclass
class _LooseFiles:
    """The files of one scan, by their role."""

    spec: ScannerSpec
    modified_at: datetime
    paths: dict[Role, Path] = field(default_factory=dict)

    def opener(self, role: Role) -> Opener | None:
        path = self.paths.get(role)
        if path is None:
            return None
        return lambda: _open(path, _MAX_BYTES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="XCCDF results and/or ARF of one scan, or the JSON and/or text log of Docker Bench; - is standard input",
    )
    parser.add_argument(
        "--include-notselected", action="store_true", help="also rules the profile does not select"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    names = ", ".join("standard input" if str(path) == "-" else str(path) for path in args.files)
    try:
        with seekable(args.files, _MAX_BYTES) as files:
            report = _read(_sort(files), context, args.include_notselected)
    except (UnreadableError, PackingError) as error:
        raise CommandError(f"{names}: {error}", Exit.NO) from error
    except OSError as error:
        why = f"can't be read: {error.strerror or error}"
        raise CommandError(f"{error.filename or names}: {why}", Exit.USAGE) from error
    if context.json or not sys.stdout.isatty():
        show_json(report)
    else:
        show_summary(report)
        show_failed(report)
    return Exit.OK


def _read(files: _LooseFiles, context: Context, include_notselected: bool) -> Report:
    output = ScannerOutput(
        files.opener, started_at=files.modified_at, include_notselected=include_notselected
    )
    return files.spec.read(output, context.settings)


def _sort(paths: list[Path]) -> _LooseFiles:
    """Which scanner the files are of, and what each one is. Raises CommandError, UnreadableError."""
    found: _LooseFiles | None = None
    for path in paths:
        with _open(path, _MAX_BYTES) as stream:
            head = stream.read(_HEAD_BYTES)
        spec, role = _recognize(head)
        if found is None:
            found = _LooseFiles(spec, _modified(path))
        if spec is not found.spec:
            raise CommandError(
                f"the files are of {found.spec.title} and {spec.title}: parse them one after the other",
                Exit.USAGE,
            )
        before = found.paths.get(role)
        if before:
            raise CommandError(
                f"{before} and {path} are both {spec.roles[role]}: parse them one after the other",
                Exit.USAGE,
            )
        found.paths[role] = path
    if found is None:
        raise CommandError("no files", Exit.USAGE)
    return found


def _recognize(head: bytes) -> tuple[ScannerSpec, Role]:
    for spec in registry.scanners():
        role = spec.role_of(head)
        if role is not None:
            return spec, role
    known = [name for spec in registry.scanners() for name in spec.roles.values()]
    raise UnreadableError(f"is no scanner output: expected {', '.join(known)} (XML in UTF-8)")


def _open(path: Path, limit: int) -> BinaryIO:
    return unpacked(path.open("rb"), limit)


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
