"""`import`: reports from a bundle into this host's spool, from where they are shipped.

The bundle is copied beside a command; the parse stage checks it and takes the reports in. Scans of
another host are put on hold first, because they would be sent under this host's name;
`--as-this-host`, or `release`, confirms that.
"""

import argparse
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from schemas.bundle import Bundle
from schemas.codec import replace
from schemas.command import Hold, Import, Imported
from schemas.ids import ScanId
from schemas.records import Record
from spool import bundle
from spool.command_box import CommandBox
from spool.errors import EntryError, NewerFormatError
from spool.layout import new_command_id
from spool.pending import carried_out, not_taken_up
from spool.spool import Spool
from stages.console import command_writer, scan_states
from stages.console.context import Context
from stages.console.delivery.host_origin import is_foreign
from stages.console.output import show_record, show_text
from stages.runtime.command_error import CommandError, file_errors
from stages.runtime.exits import Exit
from stages.runtime.printable import counted

_PATIENCE_S = 30.0
_CHECK_EVERY_S = 0.05
_CHUNK = 1 << 20


class ImportView(Record, frozen=True, kw_only=True):
    """What `import --json` prints."""

    command_id: str | None
    """None for a dry run."""
    hostname: str
    foreign: bool
    """Whether the bundle comes from another host."""
    new: tuple[ScanId, ...]
    present: tuple[ScanId, ...]
    """Those that are in the spool already; they are left as they are."""
    held: tuple[ScanId, ...]
    outcome: Imported | None
    """What the parse stage has done; None where it has not done it yet."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a bundle that `export` wrote")
    parser.add_argument(
        "--as-this-host",
        action="store_true",
        help="ship another host's scans under this host's name and credentials",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only check the bundle and show what is in it"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    at = command_writer.now()
    with _opened(args.file) as stream:
        index = _index(context.spool, stream, whole=args.dry_run)
    view = _view(index, context, as_this_host=args.as_this_host)
    if not args.dry_run:
        with _opened(args.file) as stream:
            view = _give(stream, view, at, context)
    show_record(view, partial(_show, context), as_json=context.json)
    if view.outcome is not None and view.outcome.error is not None:
        return Exit.NO
    return Exit.OK


def _index(spool: Spool, stream: BinaryIO, *, whole: bool) -> Bundle:
    """The index of a bundle. `whole`: check every entry, too. Raises CommandError."""
    try:
        if whole:
            return bundle.read_whole(stream, spool.reports.check_sealed)
        return bundle.read(stream)[0]
    except NewerFormatError as error:
        raise CommandError(f"nothing was imported: {error}", Exit.NO) from error
    except (bundle.BundleError, EntryError) as error:
        raise CommandError(_refusal(str(error)), Exit.NO) from error


def _failure(outcome: Imported, reason: str) -> str:
    if not outcome.taken:
        return _refusal(reason)
    return (
        f"the import failed after {counted(len(outcome.taken), 'report')}: {reason}; "
        "import the bundle again: reports that are present are left as they are"
    )


def _refusal(reason: str) -> str:
    return f"nothing was imported: {reason}; export again, and copy the whole file"


def _view(index: Bundle, context: Context, *, as_this_host: bool) -> ImportView:
    listed = [report.scan_id for report in index.reports]
    reported: list[ScanId] = []
    if context.spool.root.exists():
        reported = context.spool.reports.ids()
    new = tuple(not_taken_up(listed, reported))
    foreign = is_foreign(index, context.settings.api.id)
    held: tuple[ScanId, ...] = ()
    if foreign and not as_this_host:
        held = new
    return ImportView(
        command_id=None,
        hostname=index.hostname,
        foreign=foreign,
        new=new,
        present=tuple(carried_out(listed, reported)),
        held=held,
        outcome=None,
    )


def _give(stream: BinaryIO, view: ImportView, at: datetime, context: Context) -> ImportView:
    """Write the command, and wait for its outcome where the parse stage runs."""
    command_id = new_command_id(at)
    command = Import(at=at, held=view.held)
    reason = f"from {view.hostname}; it would be sent as this host"
    with command_writer.giving(context) as commands:
        _remove_left_holds(commands, view, context.spool)
        held_before = set(commands.holds.ids())
        try:
            commands.write_bundle(command_id, _chunks(stream))
            # First the holds: a report must not be shipped between its arrival and its hold.
            commands.hold(Hold(scan_id=scan_id, at=at, reason=reason) for scan_id in view.held)
            commands.imports.write(command_id, command)
        except BaseException:
            # Once the import is there, it may be carried out.
            if not commands.imports.has(command_id):
                _take_back(commands, command_id, set(view.held) - held_before)
            raise
    outcome = _outcome(context.spool, command_id)
    if outcome:
        command_writer.finish_import(context.spool, command_id)
    return replace(view, command_id=command_id, outcome=outcome)


def _remove_left_holds(commands: CommandBox, view: ImportView, spool: Spool) -> None:
    """Remove what a killed import of these scans has left, where this one holds none of them.

    Scans that are in the spool keep theirs: an operator may have put them on hold.
    """
    wanted = {*view.held, *scan_states.snapshot(spool).scan_ids}
    for scan_id in not_taken_up(view.new, wanted):
        commands.holds.remove(scan_id)


def _take_back(commands: CommandBox, command_id: str, held: Collection[ScanId]) -> None:
    """Remove what was written before the import was interrupted: else a later import of these
    scans, as this host or not, would find them held.
    """
    commands.remove_bundle(command_id)
    for scan_id in held:
        commands.holds.remove(scan_id)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := _read(stream):
        yield chunk


def _read(stream: BinaryIO) -> bytes:
    with file_errors(stream.name, "can't be read"):
        return stream.read(_CHUNK)


def _outcome(spool: Spool, command_id: str) -> Imported | None:
    """What became of the import; None where the parse stage has not come to it."""
    end = time.monotonic() + _PATIENCE_S
    while spool.is_running("parse") and time.monotonic() < end:
        if command_id in spool.reports.imported.ids():
            return spool.reports.imported.read(command_id)
        time.sleep(_CHECK_EVERY_S)
    return None


def _already_present(scan_ids: Sequence[ScanId]) -> str:
    if not scan_ids:
        return ""
    return f", {len(scan_ids)} already present"


def _show(context: Context, view: ImportView) -> None:
    if view.command_id is None:
        present = _already_present(view.present)
        total = len(view.new) + len(view.present)
        show_text(f"would import {counted(total, 'report')} of {view.hostname}{present}")
    elif view.outcome is None:
        _show_pending(view, context)
    elif view.outcome.error:
        raise CommandError(_failure(view.outcome, view.outcome.error), Exit.NO)
    else:
        present = _already_present(view.outcome.present)
        show_text(
            f"{counted(len(view.outcome.taken), 'report')} of {view.hostname} imported{present}"
        )
    if view.held:
        show_text(
            f"{counted(len(view.held), 'scan')} of another host held: "
            "`compliance-agent release --all` ships them under this host's name",
            "yellow",
        )


def _show_pending(view: ImportView, context: Context) -> None:
    show_text(f"the import of {counted(len(view.new), 'report')} of {view.hostname} is pending")
    if context.spool.is_running("parse"):
        show_text("the parse stage has not finished it yet: see compliance-agent status")
    command_writer.warn_if_stopped(context, "parse", "imports")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with file_errors(path, "can't be read", Exit.USAGE), path.open("rb") as stream:
        yield stream
