"""`raw`: a file that the scanner itself wrote, unpacked."""

import argparse

from schemas.ids import ScanId
from schemas.manifest import Manifest, RawFile
from spool.spool import Spool
from stages.console import scan_states
from stages.console.context import Context
from stages.console.format_output import add_output_argument, write_output
from stages.console.output import show_json
from stages.console.report_source import raw_chunks
from stages.console.scan_names import HELP, find_scan
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", metavar="ID", help=HELP)
    parser.add_argument(
        "--role",
        metavar="ROLE",
        help="which file, by its role (default: the first); --json lists them",
    )
    add_output_argument(parser)


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    scan_id = find_scan(args.scan_id, scan_states.snapshot(spool).scan_ids)
    manifest = _manifest(spool, scan_id)
    if context.json:
        show_json(manifest.files)
        return Exit.OK
    file = _chosen(manifest, args.role)
    write_output("raw", raw_chunks(spool, scan_id, file), args.output)
    return Exit.OK


def _manifest(spool: Spool, scan_id: ScanId) -> Manifest:
    if scan_id not in spool.raw.scan_ids():
        raise CommandError(f"{scan_id}: no raw entry is kept, see `show {scan_id}`", Exit.NO)
    return spool.raw.manifest(scan_id)


def _chosen(manifest: Manifest, role: str | None) -> RawFile:
    if not manifest.files:
        raise CommandError(f"{manifest.scan_id}: the scanner left no file", Exit.NO)
    if role is None:
        return manifest.files[0]
    file = manifest.file(role)
    if file is None:
        roles = ", ".join(file.role for file in manifest.files)
        raise CommandError(
            f"{manifest.scan_id}: no file with the role {role}; there are {roles}", Exit.NO
        )
    return file
