"""`list`: the scans of the spool, newest last."""

import argparse
from datetime import UTC, datetime
from typing import get_args

from schemas.ids import ScanId, scanner_of
from schemas.receipt import Answer, Receipt
from schemas.records import Record
from schemas.report import Report
from spool.errors import EntryDamagedError, EntryMissingError
from spool.spool import Spool
from stages.console import arguments, states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.output import say, show_json, show_table
from stages.console.states import State
from stages.console.waiting import Waiting
from stages.runtime.exits import Exit


class Row(Record, frozen=True, kw_only=True):
    """One scan of the list."""

    scan_id: ScanId
    scanner: str
    state: State
    profile: str | None = None
    status: str | None = None
    score: float | None = None
    answer: str | None = None
    waits: str | None = None
    """Why it is not scanned or delivered yet, when the next try is, and what to do."""
    message: str | None = None
    """Why it failed, or what the server said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pending", action="store_true", help="only what is not done")
    parser.add_argument("--held", action="store_true", help="only what is held")
    parser.add_argument(
        "--answer",
        choices=get_args(Answer),
        help="only what the server accepted, refused, or what was superseded",
    )
    filters.add_filters(parser)
    parser.add_argument(
        "--last",
        type=arguments.count,
        default=50,
        metavar="N",
        help="at most N, 0 for all (default: %(default)s)",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    boxes = states.snapshot(spool)
    scan_ids = [i for i in boxes.scan_ids if _is_wanted(args, spool, boxes, i)]
    shown = scan_ids[-args.last :] if args.last else scan_ids
    reasons = Waiting(spool, boxes, datetime.now(UTC), context.settings.spool.min_free_mib)
    rows = [_row(spool, boxes, scan_id, reasons) for scan_id in shown]
    if context.json:
        show_json(rows)
    elif not rows:
        say("no scans")
    else:
        columns = ("scan", "state", "profile", "status", "score", "answer", "why")
        show_table(
            columns,
            ((r.scan_id, r.state, r.profile, r.status, r.score, r.answer, _why(r)) for r in rows),
        )
        if len(shown) < len(scan_ids):
            say(f"{len(scan_ids) - len(shown)} older ones are not shown: --last 0")
    return Exit.OK


def _objection(receipt: Receipt | None) -> str | None:
    return receipt.message if receipt and receipt.answer != "accepted" else None


def _why(row: Row) -> str:
    return "; ".join(message for message in (row.message, row.waits) if message)


def _is_wanted(
    args: argparse.Namespace, spool: Spool, boxes: states.Boxes, scan_id: ScanId
) -> bool:
    if args.pending and scan_id in boxes.receipts:
        return False
    if args.held and boxes.state(scan_id) != "held":
        return False
    if args.answer and _answer(spool, boxes, scan_id) != args.answer:
        return False
    return filters.matches(args, spool, scan_id)


def _answer(spool: Spool, boxes: states.Boxes, scan_id: ScanId) -> str | None:
    try:
        if scan_id in boxes.receipts:
            return spool.receipts.read(scan_id, "receipt", Receipt).answer
    except (EntryDamagedError, EntryMissingError):
        pass
    return None


def _row(spool: Spool, boxes: states.Boxes, scan_id: ScanId, reasons: Waiting) -> Row:
    report = receipt = None
    damage: str | None = None
    try:
        if scan_id in boxes.reports:
            report = spool.reports.read(scan_id, "report", Report)
        if scan_id in boxes.receipts:
            receipt = spool.receipts.read(scan_id, "receipt", Receipt)
    except EntryDamagedError as error:
        damage = str(error)
    except EntryMissingError:
        # Its owner took it away while we looked.
        pass
    completed = report is not None and report.status == "completed"
    return Row(
        scan_id=scan_id,
        scanner=scanner_of(scan_id),
        state=boxes.state(scan_id),
        profile=report.profile.name if report else None,
        status=report.status if report else None,
        score=report.summary.score if report and completed else None,
        answer=receipt.answer if receipt else None,
        waits=reasons.why(scan_id),
        message=damage or (report.error if report else None) or _objection(receipt),
    )
