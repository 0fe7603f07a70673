"""Choosing scans: by name, profile, scanner, status, or a span of time."""

import argparse
from collections.abc import Callable, Collection
from typing import get_args

from schemas.ids import ScanId, requested_at, scanner_of
from schemas.report import ScanStatus
from spool.errors import EntryError
from spool.spool import Spool
from stages.console import scan_names, scan_states
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.moments import EXAMPLES, moment
from stages.scanners import registry


def add_filters(parser: argparse.ArgumentParser, since: Callable[[str], object] = moment) -> None:
    """`since` reads the value of --since, where it may be more than a time."""
    group = parser.add_argument_group("which scans")
    group.add_argument(
        "--profile", metavar="TEXT", default="", help="only profiles whose name contains TEXT"
    )
    group.add_argument("--scanner", choices=registry.all_keys(), help="only this scanner")
    group.add_argument("--status", choices=get_args(ScanStatus), help="only scans with this status")
    group.add_argument(
        "--since",
        metavar="T",
        type=since,
        help=f"only scans requested at T or later: {EXAMPLES}",
    )
    group.add_argument("--until", metavar="T", type=moment, help="only scans requested before T")


def add_choice(parser: argparse.ArgumentParser, since: Callable[[str], object] = moment) -> None:
    """Scans by id, and by filters."""
    parser.add_argument(
        "scan_ids", metavar="ID", nargs="*", default=[], help=f"scans: {scan_names.HELP}"
    )
    add_filters(parser, since)


def is_choice(args: argparse.Namespace) -> bool:
    """Whether scans are named, or filtered."""
    return bool(args.scan_ids) or is_filtered(args)


def is_filtered(args: argparse.Namespace) -> bool:
    return any((args.profile, args.scanner, args.status, args.since, args.until))


def choose(
    args: argparse.Namespace, spool: Spool, among: Collection[str], what: str
) -> tuple[ScanId, ...]:
    """The scans that are named, and those among `among` that match the filters; oldest first.

    `what` names the kind in messages. Raises CommandError if none is named, or none matches.
    """
    if not is_choice(args):
        raise CommandError("name scans, or select some with --profile, --since, …", Exit.USAGE)
    every = scan_states.snapshot(spool).scan_ids
    found = set(scan_names.find_scans(args.scan_ids, every, among, what))
    if is_filtered(args):
        found |= {ScanId(i) for i in among if matches(args, spool, ScanId(i))}
    if not found:
        raise CommandError(f"no {what} matches: see `compliance-agent list`", Exit.NO)
    return tuple(sorted(found))


def matches(args: argparse.Namespace, spool: Spool, scan_id: ScanId) -> bool:
    """Whether a scan matches all filters that were given."""
    if args.scanner not in (None, scanner_of(scan_id)):
        return False
    at = requested_at(scan_id)
    if args.since is not None and at < args.since:
        return False
    if args.until is not None and at >= args.until:
        return False
    if args.profile or args.status:
        return _report_matches(args, spool, scan_id)
    return True


def _report_matches(args: argparse.Namespace, spool: Spool, scan_id: ScanId) -> bool:
    """A scan without a readable report has neither profile nor status."""
    try:
        header = spool.reports.header(scan_id)
    except EntryError:
        return False
    if args.status not in (None, header.status):
        return False
    return args.profile.casefold() in header.profile.casefold()
