"""`list`: the scans of the spool, newest last; one line each."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from schemas.ids import ScanId, requested_at, scanner_of
from schemas.receipt import Answer
from schemas.records import Record
from spool.errors import EntryError
from spool.spool import Spool
from stages.console import arguments, scan_states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.delivery.server_view import ServerView
from stages.console.entry_reading import read_entries
from stages.console.output import line_width, show_json, show_table, show_text
from stages.console.pending_reasons import PendingReasons
from stages.console.scan_names import short_names
from stages.console.scan_states import State
from stages.console.table import GAP, shortened
from stages.runtime.exits import Exit
from stages.runtime.moments import in_host_zone
from stages.runtime.printable import counted

_COLUMNS = ("scan", "requested", "profile", "result", "score", "applicable", "answer")
"""`applicable` is the applicable score: its name would leave no room for the profile."""
_WIDE_COLUMNS = (
    *("scan", "state", "profile", "status", "score", "applicable score", "answer", "reason"),
)
_WAITING_FOR_ANSWER: Mapping[State, str] = {"held": "held", "ship-pending": "pending"}
_NARROWEST_PROFILE = 12
_THIS_YEAR = timedelta(days=180)


class ListedScan(Record, frozen=True, kw_only=True):
    """One row of the list."""

    scan_id: ScanId
    scanner: str
    state: State
    profile: str | None = None
    status: str | None = None
    score: float | None = None
    applicable_score: float | None = None
    answer: str | None = None
    displaced: ScanId | None = None
    """The newer scan that the server had before this one, which was sent by force."""
    pending_reason: str | None = None
    """Why it is pending, when the next attempt is, and what to do."""
    message: str | None = None
    """Why it failed, what the server answered, or what is wrong with its entries."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pending", action="store_true", help="only scans that are not done")
    parser.add_argument("--held", action="store_true", help="only scans that are held")
    parser.add_argument(
        "--answer", choices=get_args(Answer), help="only scans with this answer of the server"
    )
    filters.add_filters(parser)
    parser.add_argument(
        "--last",
        type=arguments.count,
        default=50,
        metavar="N",
        help="at most N scans, 0 for all (default: %(default)s)",
    )
    parser.add_argument(
        "--wide", action="store_true", help="whole ids, states, and why a scan failed or is pending"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    boxes = scan_states.snapshot(spool)
    scan_ids = boxes.scan_ids
    matching = [scan_id for scan_id in scan_ids if _matches(args, spool, boxes, scan_id)]
    shown = matching
    if args.last:
        shown = matching[-args.last :]
    reasons = PendingReasons(context, boxes, datetime.now(UTC))
    displaced = ServerView(spool, context.settings).displaced()
    scans = [_listed(spool, boxes, scan_id, reasons, displaced.get(scan_id)) for scan_id in shown]
    if context.json:
        show_json(scans)
        return Exit.OK
    if not scans:
        show_text("no scans")
        return Exit.OK
    if args.wide:
        show_table(_WIDE_COLUMNS, map(_wide_row, scans))
    else:
        _show_lines(scans, scan_ids)
    hidden = len(matching) - len(shown)
    if hidden:
        show_text(f"{counted(hidden, 'older scan')} not shown: --last 0 shows all")
    return Exit.OK


def _matches(
    args: argparse.Namespace, spool: Spool, boxes: scan_states.Boxes, scan_id: ScanId
) -> bool:
    state = boxes.state(scan_id)
    if args.pending and state == "done":
        return False
    if args.held and state != "held":
        return False
    if args.answer and _answer(spool, scan_id) != args.answer:
        return False
    return filters.matches(args, spool, scan_id)


def _answer(spool: Spool, scan_id: ScanId) -> str | None:
    try:
        return spool.receipts.read(scan_id).answer
    except EntryError:
        return None


def _listed(
    spool: Spool,
    boxes: scan_states.Boxes,
    scan_id: ScanId,
    reasons: PendingReasons,
    displaced: ScanId | None,
) -> ListedScan:
    entries = read_entries(spool, boxes, scan_id)
    messages = [entries.problem]
    status = score = applicable_score = answer = None
    if entries.header is not None:
        status = entries.header.status
        score = entries.header.score
        applicable_score = entries.header.applicable_score
        messages.append(entries.header.error)
    if entries.receipt is not None:
        answer = entries.receipt.answer
        if answer != "accepted":
            messages.append(entries.receipt.message)
    return ListedScan(
        scan_id=scan_id,
        scanner=scanner_of(scan_id),
        state=boxes.state(scan_id),
        profile=entries.profile,
        status=status,
        score=score,
        applicable_score=applicable_score,
        answer=answer,
        displaced=displaced,
        pending_reason=reasons.reason(scan_id),
        message=next(filter(None, messages), None),
    )


def _wide_row(scan: ListedScan) -> tuple[object, ...]:
    forced = None
    if scan.displaced is not None:
        forced = f"sent by force: the server has it in place of the newer {scan.displaced}"
    # What is pending because it can't be read has one reason for both.
    reasons = dict.fromkeys((scan.message, scan.pending_reason, forced))
    reason = "; ".join(filter(None, reasons))
    return (
        scan.scan_id,
        scan.state,
        scan.profile,
        scan.status,
        scan.score,
        scan.applicable_score,
        scan.answer,
        reason,
    )


def _show_lines(scans: Sequence[ListedScan], scan_ids: Sequence[ScanId]) -> None:
    """A line for each scan, as wide as the terminal: profiles are cut, the rest never is."""
    names = short_names(scan_ids)
    now = datetime.now(UTC)
    rows = [_row(scan, names[scan.scan_id], now) for scan in scans]
    available = _profile_width(rows)
    lines = []
    for name, requested, profile, *rest in rows:
        lines.append((name, requested, shortened(profile, available), *rest))
    show_table(_COLUMNS, lines)
    _show_forced(scans, names)
    if any(scan.message or scan.pending_reason for scan in scans):
        show_text("why a scan failed or is pending: compliance-agent list --wide, or show SCAN")


def _profile_width(rows: Sequence[tuple[str, ...]]) -> int:
    """What the other columns leave of the line."""
    widths = [max(map(len, column)) + GAP for column in zip(_COLUMNS, *rows, strict=True)]
    del widths[_COLUMNS.index("profile")]
    return max(_NARROWEST_PROFILE, line_width() - sum(widths))


def _show_forced(scans: Sequence[ListedScan], names: Mapping[ScanId, str]) -> None:
    for scan in scans:
        if scan.displaced is not None:
            newer = names.get(scan.displaced, scan.displaced)
            show_text(f"forced: the server has {names[scan.scan_id]} in place of the newer {newer}")


def _row(scan: ListedScan, name: str, now: datetime) -> tuple[str, ...]:
    profile = scan.profile or scan.scanner
    requested = _requested(scan.scan_id, now)
    scores = (_percent(scan.score), _percent(scan.applicable_score))
    return name, requested, profile, _result(scan), *scores, _answer_shown(scan)


def _result(scan: ListedScan) -> str:
    """How the scan ended, else how far it is."""
    if scan.status is not None:
        return scan.status
    if scan.message is not None:
        return "unreadable"
    return scan.state


def _answer_shown(scan: ListedScan) -> str:
    """The server's answer; for a report without one, what it waits for."""
    if scan.displaced is not None:
        return "forced"
    return scan.answer or _WAITING_FOR_ANSWER.get(scan.state, "")


def _percent(score: float | None) -> str:
    if score is None:
        return ""
    return f"{score:.1f}"


def _requested(scan_id: ScanId, now: datetime) -> str:
    """In this host's time zone; the year instead of the time where it is long ago."""
    at = requested_at(scan_id)
    if abs(now - at) < _THIS_YEAR:
        return f"{in_host_zone(at):%m-%d %H:%M}"
    return f"{in_host_zone(at):%Y-%m-%d}"
