"""`waivers`: the approved exceptions of this host and what each one does; checking a file of them.

What a waiver does is read from the newest completed scan of each profile that the spool keeps.
"""

import argparse
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Literal

from schemas.ids import short_rule_id
from schemas.records import Record, Struct
from schemas.report import Report, RuleResult
from schemas.settings import WaiverSettings
from schemas.waiver import Waiver
from spool.spool import Spool
from stages.console.context import Context
from stages.console.output import show_record, show_table, show_text, unicode_text
from stages.formats.kept_scans import KeptScans
from stages.parse import waiver_files, waivers
from stages.parse.waiver_files import PlacedWaiver, WaiverSet
from stages.runtime import printable
from stages.runtime.command_error import UsageError
from stages.runtime.exits import Exit

State = Literal[
    "in use", "expires soon", "expired", "rule passes", "matches nothing", "not scanned"
]
_MOST_NAMED = 3


class ListedWaiver(Record, frozen=True, kw_only=True):
    """One waiver, as `waivers --json` prints it."""

    waiver: Waiver
    file: str
    line: int
    state: State
    rules: tuple[str, ...]
    """The rules that fail and that it is for, in the newest scans."""


class ListedWaivers(Record, frozen=True, kw_only=True):
    """What `waivers --json` prints."""

    directory: str
    waivers: tuple[ListedWaiver, ...]
    problems: tuple[str, ...]


class _Scan(Struct, frozen=True):
    """The newest completed scan of a profile, and the waivers that are for it."""

    report: Report
    waivers: frozenset[PlacedWaiver]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "check"),
        default="list",
        help="list: every waiver and its state (the default); check: find all problems of files",
    )
    parser.add_argument(
        "files",
        nargs="*",
        default=[],
        type=Path,
        metavar="FILE",
        help="check: these files (default: all files of this host)",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    """Exit code 2 where a file has problems."""
    settings = context.settings.compliance.waivers
    show = _show
    if args.action == "check":
        show = _show_checked
    elif args.files:
        raise UsageError("only check takes files", "compliance-agent waivers")
    found = _found(args.files, settings)
    listed = ListedWaivers(
        directory=settings.directory,
        waivers=tuple(_listed(found, context)),
        problems=tuple(map(unicode_text, found.problems)),
    )
    show_record(listed, show, as_json=context.json)
    if found.problems:
        return Exit.USAGE
    return Exit.OK


def _found(files: Sequence[Path], settings: WaiverSettings) -> WaiverSet:
    if not files:
        return waiver_files.load(settings)
    read = [waiver_files.load_file(path, open_ended=settings.open_ended) for path in files]
    return waiver_files.without_contradictions(
        WaiverSet(
            waivers=tuple(chain.from_iterable(each.waivers for each in read)),
            problems=tuple(chain.from_iterable(each.problems for each in read)),
        )
    )


def _listed(found: WaiverSet, context: Context) -> Iterator[ListedWaiver]:
    today = datetime.now(UTC).date()
    scans = _newest_scans(found.waivers, context)
    for placed in found.waivers:
        its_scans = [scan.report for scan in scans if placed in scan.waivers]
        matching = list(_matching_rules(placed.waiver, its_scans))
        failing = [result for result in matching if _fails_without_waiver(result)]
        yield ListedWaiver(
            waiver=placed.waiver,
            file=unicode_text(placed.file),
            line=placed.line,
            state=_state(placed.waiver, today, bool(its_scans), matching, failing),
            rules=tuple(dict.fromkeys(result.rule_ref for result in failing)),
        )


def _newest_scans(found: Sequence[PlacedWaiver], context: Context) -> list[_Scan]:
    host = socket.gethostname()
    return [
        _Scan(report, frozenset(waivers.for_scan(report, found, host)))
        for report in newest_completed(context.spool)
    ]


def newest_completed(spool: Spool) -> Iterator[Report]:
    """The newest completed scan of each profile; none before there is a spool."""
    if not spool.root.is_dir():
        return
    for _, good in KeptScans(spool).newest_of_each_profile():
        if good is not None:
            yield good


def _matching_rules(waiver: Waiver, scans: Sequence[Report]) -> Iterator[RuleResult]:
    for scan in scans:
        for result in scan.results:
            if waivers.is_for(waiver, result):
                yield result


def _fails_without_waiver(result: RuleResult) -> bool:
    return result.waiver is not None or waivers.fails(result)


def _state(
    waiver: Waiver,
    today: date,
    is_scanned: bool,
    matching: Sequence[RuleResult],
    failing: Sequence[RuleResult],
) -> State:
    days = (waivers.last_day(waiver) - today).days
    if days < 0:
        return "expired"
    if not is_scanned:
        return "not scanned"
    if not matching:
        return "matches nothing"
    if not failing:
        return "rule passes"
    if days <= waivers.SOON.days:
        return "expires soon"
    return "in use"


def _show(listed: ListedWaivers) -> None:
    _show_problems(listed.problems)
    if not listed.waivers:
        show_text(f"no waivers in {listed.directory}")
        return
    columns = ("rule", "state", "expires", "approved by", "reason", "for")
    show_table(columns, map(_row, listed.waivers))


def _row(row: ListedWaiver) -> tuple[object, ...]:
    waiver = row.waiver
    rules = list(map(short_rule_id, row.rules))
    return (
        waiver.rule,
        row.state,
        waiver.expires or "never",
        waiver.approved_by,
        waiver.reason,
        printable.listed(rules, _MOST_NAMED),
    )


def _show_checked(listed: ListedWaivers) -> None:
    _show_problems(listed.problems)
    if not listed.problems:
        show_text(f"{printable.counted(len(listed.waivers), 'waiver')}, no problems", "green")


def _show_problems(problems: Sequence[str]) -> None:
    for problem in problems:
        show_text(problem, "red")
