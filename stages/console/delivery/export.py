"""`export`: reports into one file, for a host that reaches the server; or everything, for an
archive (`export --raw`).
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from schemas.bundle import Bundle
from schemas.ids import ScanId
from spool import bundle
from spool.errors import EntryError, EntryMissingError
from spool.spool import Spool
from stages.console import command_writer, scan_states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.delivery.export_raw import LAST, run_raw
from stages.console.delivery.host_origin import origin
from stages.console.half_written import removed_on_failure
from stages.console.output import show_line, warn
from stages.runtime.command_error import CommandError, UsageError, file_errors
from stages.runtime.exits import Exit
from stages.runtime.host_name import host_name
from stages.runtime.moments import moment
from stages.runtime.printable import counted
from stages.runtime.version import AGENT_VERSION


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="the file to write, which must not exist; with --raw a directory",
    )
    filters.add_choice(parser, since=_since)
    parser.add_argument(
        "--all", action="store_true", help="include delivered reports; those named by id always are"
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="raw entries, reports and receipts of all scans, for `fleet add`; "
        "--since last: what the bundles in that directory lack",
    )


def _since(text: str) -> datetime | str:
    if text == LAST:
        return LAST
    return moment(text)


def run(args: argparse.Namespace, context: Context) -> Exit:
    if args.raw:
        return run_raw(args, context)
    if args.since == LAST:
        raise UsageError("--since last needs --raw", "compliance-agent export")
    spool = context.existing_spool()
    index, damaged = _index(spool, _chosen(args, spool), context.settings.api.id)
    if not index.reports:
        raise _nothing_to_export(damaged)
    _write(args.file, spool, index)
    for message in damaged:
        warn(f"left out: {message}")
    line = (
        f"{args.file}: {counted(len(index.reports), 'report')}; "
        f"on the other host: compliance-agent import {args.file}"
    )
    show_line(index, line, as_json=context.json)
    if damaged:
        return Exit.NO
    return Exit.OK


def _chosen(args: argparse.Namespace, spool: Spool) -> Sequence[ScanId]:
    boxes = scan_states.snapshot(spool)
    among = boxes.waiting_for("ship")
    if args.all or args.scan_ids:
        among = sorted(boxes.reports)
    if filters.is_choice(args):
        return filters.choose(args, spool, among, "report to export")
    return among


def _nothing_to_export(damaged: Sequence[str]) -> CommandError:
    if not damaged:
        return CommandError("no report to export; --all includes delivered ones", Exit.NO)
    lines = "\n".join(damaged)
    return CommandError(f"none of the reports can be exported:\n{lines}", Exit.NO)


def _index(spool: Spool, chosen: Sequence[ScanId], api_id: str | None) -> tuple[Bundle, list[str]]:
    reports, damaged = [], []
    for scan_id in chosen:
        try:
            reports.append(bundle.listed(scan_id, spool.reports.read_checked(scan_id)))
        except EntryMissingError:
            # Its owner has removed it meanwhile: it is old, or is made again.
            continue
        except EntryError as error:
            damaged.append(str(error))
    index = Bundle(
        origin=origin(),
        api_id=api_id,
        hostname=host_name(),
        exported_at=command_writer.now(),
        agent_version=AGENT_VERSION,
        reports=tuple(reports),
    )
    return index, damaged


def _write(path: Path, spool: Spool, index: Bundle) -> None:
    def entries() -> Iterator[bytes]:
        for report in index.reports:
            try:
                yield spool.reports.read_checked(report.scan_id)
            except EntryMissingError as error:
                raise CommandError(
                    f"{report.scan_id}: was removed since the export began: export again", Exit.NO
                ) from error

    if path.exists():
        raise CommandError(f"{path}: exists; choose another name", Exit.USAGE)
    with (
        file_errors(path, "can't be written"),
        path.open("xb") as target,
        removed_on_failure(path),
    ):
        path.chmod(0o600)
        bundle.write(target, index, entries())
