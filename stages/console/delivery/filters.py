"""Choosing scans: by id, profile, scanner, status, or a span of time."""

import argparse
from collections.abc import Collection
from datetime import UTC, datetime
from typing import get_args

from schemas.ids import ScanId, requested_at, scanner_of
from schemas.report import ReportHeader, ScanStatus
from spool.errors import EntryError
from spool.spool import Spool
from stages.console import command_writer
from stages.console.errors import CommandError
from stages.runtime.exits import Exit
from stages.scanners import registry


def add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which scans")
    group.add_argument("--profile", metavar="TEXT", help="only profiles whose name contains TEXT")
    group.add_argument("--scanner", choices=registry.all_keys(), help="only this scanner")
    group.add_argument("--status", choices=get_args(ScanStatus), help="only scans with this status")
    group.add_argument(
        "--since",
        metavar="T",
        type=moment,
        help="only scans requested at T or later (2026-11-23[T06:00])",
    )
    group.add_argument("--until", metavar="T", type=moment, help="only scans requested before T")


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Scans by id, and by filters."""
    parser.add_argument("scan_ids", metavar="ID", nargs="*", help="scans, by id")
    add_filters(parser)


def is_filtered(args: argparse.Namespace) -> bool:
    return any((args.profile, args.scanner, args.status, args.since, args.until))


def choose(
    args: argparse.Namespace, spool: Spool, among: Collection[str], what: str
) -> tuple[ScanId, ...]:
    """The scans named by id, and those among `among` that match the filters; oldest first.

    `what` names the kind in messages. Raises CommandError if none is named, or none matches.
    """
    if not args.scan_ids and not is_filtered(args):
        raise CommandError("name scans, or select some: --profile, --since, ...", Exit.USAGE)
    found = set(command_writer.known(args.scan_ids, frozenset(among), what))
    if is_filtered(args):
        found |= {ScanId(i) for i in among if matches(args, spool, ScanId(i))}
    if not found:
        raise CommandError(f"no {what} matches: see `compliance-agent list`", Exit.NO)
    return tuple(sorted(found))


def matches(args: argparse.Namespace, spool: Spool, scan_id: ScanId) -> bool:
    """Whether a scan matches all filters that were given."""
    if args.scanner and scanner_of(scan_id) != args.scanner:
        return False
    if not _in_span(scan_id, args.since, args.until):
        return False
    if not (args.profile or args.status):
        return True
    head = _header(spool, scan_id)
    if head is None or (args.status and head.status != args.status):
        return False
    return not args.profile or args.profile.casefold() in head.profile.casefold()


def moment(text: str) -> datetime:
    """A date or a time; without a zone it is this host's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date or time like 2026-11-23 or 2026-11-23T06:00"
        ) from error
    # Without a zone, `astimezone` takes the time as this host's.
    return found.astimezone(UTC)


def _in_span(scan_id: ScanId, since: datetime | None, until: datetime | None) -> bool:
    try:
        at = requested_at(scan_id)
    except ValueError:
        # An id that names no real day is in no span.
        return since is None and until is None
    return (since is None or at >= since) and (until is None or at < until)


def _header(spool: Spool, scan_id: ScanId) -> ReportHeader | None:
    try:
        return spool.reports.header(scan_id)
    except EntryError:
        return None
