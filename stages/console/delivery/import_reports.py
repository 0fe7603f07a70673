"""`import`: reports from a bundle into this host's spool, where they are shipped.

The whole bundle is checked before anything is taken. Scans of another host are held, because they
would be sent under this host's name: `--as-this-host`, or `release`, says that they shall.
"""

import argparse
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from schemas.bundle import Bundle
from schemas.command import Hold
from schemas.ids import ScanId
from schemas.records import Record
from spool import bundle
from spool.errors import EntryError
from spool.spool import Spool
from stages.console import command_writer
from stages.console.context import Context
from stages.console.delivery.origin import is_foreign
from stages.console.errors import CommandError
from stages.console.output import say, show_json
from stages.runtime.exits import Exit


class Imported(Record, frozen=True, kw_only=True):
    """What `import --json` prints."""

    hostname: str
    foreign: bool
    taken: tuple[ScanId, ...]
    present: tuple[ScanId, ...]
    """Those that were in the spool already; they are left as they are."""
    held: tuple[ScanId, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a bundle that `export` wrote")
    parser.add_argument(
        "--as-this-host",
        action="store_true",
        help="ship another host's scans under this host's name and credentials",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    with _opened(args.file) as stream:
        index = _check(context.spool, stream)
    with _opened(args.file) as stream:
        done = _take(stream, index, context, as_this_host=args.as_this_host)
    command_writer.publish(context, "ReportWritten")
    if context.json:
        show_json(done)
        return Exit.OK
    already = f", {len(done.present)} were there already" if done.present else ""
    say(f"{len(done.taken)} reports of {index.hostname} taken{already}")
    if done.held:
        say(
            f"{len(done.held)} are held, because they come from another host: `compliance-agent "
            "release --all` ships "
            "them under this host's name",
            "yellow",
        )
    return Exit.OK


def _check(spool: Spool, stream: BinaryIO) -> Bundle:
    """Read all of a bundle. Raises CommandError where anything is wrong with it."""
    try:
        index, entries = bundle.read(stream)
        for report, entry in entries:
            spool.reports.check_sealed(report.scan_id, entry)
    except (bundle.BundleError, EntryError) as error:
        raise CommandError(
            f"nothing was taken: {error}; export again, and copy the whole file", Exit.NO
        ) from error
    return index


def _take(stream: BinaryIO, index: Bundle, context: Context, *, as_this_host: bool) -> Imported:
    spool = context.spool
    spool.prepare()
    foreign = is_foreign(index, context.settings.api.id)
    there = set(spool.reports.ids())
    new = [report.scan_id for report in index.reports if report.scan_id not in there]
    held = new if foreign and not as_this_host else []
    message = f"from {index.hostname}; it would be sent as this host"
    # First the holds: a report must not be shipped between its arrival and its hold.
    holds = [Hold(scan_id=scan_id, at=command_writer.now(), reason=message) for scan_id in held]
    with command_writer.giving(context) as commands:
        for hold in holds:
            commands.holds.write(hold)
    with _owner_of(spool):
        for report, entry in bundle.read(stream)[1]:
            if report.scan_id in new:
                spool.reports.write_sealed(report.scan_id, entry)
    return Imported(
        hostname=index.hostname,
        foreign=foreign,
        taken=tuple(new),
        present=tuple(report.scan_id for report in index.reports if report.scan_id in there),
        held=tuple(held),
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise CommandError(f"{path}: can't be read: {error.strerror}", Exit.USAGE) from error


@contextmanager
def _owner_of(spool: Spool) -> Iterator[None]:
    """Write as the owner of the reports, so that its stages can read what comes in."""
    status = spool.reports.path.stat()
    if os.geteuid() != 0 or status.st_uid == 0:
        yield
        return
    before = os.getegid()
    os.setegid(_group_of(status))
    os.seteuid(status.st_uid)
    try:
        yield
    finally:
        with suppress(OSError):
            os.seteuid(0)
            os.setegid(before)


def _group_of(status: os.stat_result) -> int:
    """The group in which the owner itself would write: that of those who may read its entries."""
    try:
        return pwd.getpwuid(status.st_uid).pw_gid
    except KeyError:
        return status.st_gid
