"""`raw`: a file that the scanner itself wrote, unpacked."""

import argparse
from collections.abc import Sequence

from schemas.ids import ScanId
from schemas.manifest import RawFile
from spool.spool import Spool
from stages.console import scan_states
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.format_output import add_output_argument, write_output
from stages.console.output import show_json
from stages.console.report_source import raw_chunks
from stages.console.scan_names import HELP, find_scan
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", metavar="ID", help=HELP)
    parser.add_argument(
        "--role",
        metavar="ROLE",
        help="which file: arf, xccdf-results, stdout, … (default: the first); --json lists them",
    )
    add_output_argument(parser)


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    scan_id = find_scan(args.scan_id, scan_states.snapshot(spool).scan_ids)
    files = _files(spool, scan_id)
    if context.json:
        show_json(files)
        return Exit.OK
    file = _chosen(files, args.role, scan_id)
    write_output("raw", raw_chunks(spool, scan_id, file), args.output)
    return Exit.OK


def _files(spool: Spool, scan_id: ScanId) -> Sequence[RawFile]:
    if scan_id not in spool.raw.scan_ids():
        raise CommandError(f"{scan_id}: no raw entry is kept, see `show {scan_id}`", Exit.NO)
    return spool.raw.manifest(scan_id).files


def _chosen(files: Sequence[RawFile], role: str | None, scan_id: ScanId) -> RawFile:
    if not files:
        raise CommandError(f"{scan_id}: the scanner left no file", Exit.NO)
    if role is None:
        return files[0]
    for file in files:
        if file.role == role:
            return file
    roles = ", ".join(file.role for file in files)
    raise CommandError(f"{scan_id}: no file with the role {role}; there are {roles}", Exit.NO)
