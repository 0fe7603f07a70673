"""`list`: the scans of the spool, newest last."""

import argparse
from datetime import UTC, datetime
from typing import get_args

from schemas.ids import ScanId, scanner_of
from schemas.receipt import Answer, Receipt
from schemas.records import Record
from schemas.report import Report
from spool.errors import EntryDamagedError, EntryError, NewerFormatError
from spool.spool import Spool
from stages.console import arguments, states
from stages.console.context import Context
from stages.console.delivery import filters
from stages.console.output import say, show_json, show_table
from stages.console.pending_reasons import PendingReasons
from stages.console.states import State
from stages.runtime.exits import Exit

_COLUMNS = ("scan", "state", "profile", "status", "score", "answer", "why")


class ListedScan(Record, frozen=True, kw_only=True):
    """One row of the list."""

    scan_id: ScanId
    scanner: str
    state: State
    profile: str | None = None
    status: str | None = None
    score: float | None = None
    answer: str | None = None
    waits: str | None = None
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


def run(args: argparse.Namespace, context: Context) -> Exit:
    spool = context.existing_spool()
    boxes = states.snapshot(spool)
    matching = [i for i in boxes.scan_ids if _matches(args, spool, boxes, i)]
    shown = matching
    if args.last:
        shown = matching[-args.last :]
    reasons = PendingReasons(spool, boxes, datetime.now(UTC), context.settings.spool.min_free_mib)
    scans = [_listed(spool, boxes, scan_id, reasons) for scan_id in shown]
    if context.json:
        show_json(scans)
        return Exit.OK
    if not scans:
        say("no scans")
        return Exit.OK
    show_table(_COLUMNS, map(_row, scans))
    hidden = len(matching) - len(shown)
    if hidden:
        scans_text = "scan is" if hidden == 1 else "scans are"
        say(f"{hidden} older {scans_text} not shown: --last 0 shows all")
    return Exit.OK


def _matches(args: argparse.Namespace, spool: Spool, boxes: states.Boxes, scan_id: ScanId) -> bool:
    if args.pending and scan_id in boxes.receipts:
        return False
    if args.held and boxes.state(scan_id) != "held":
        return False
    if args.answer and _answer(spool, boxes, scan_id) != args.answer:
        return False
    return filters.matches(args, spool, scan_id)


def _answer(spool: Spool, boxes: states.Boxes, scan_id: ScanId) -> str | None:
    if scan_id not in boxes.receipts:
        return None
    try:
        return spool.receipts.read(scan_id).answer
    except EntryError:
        return None


def _listed(
    spool: Spool, boxes: states.Boxes, scan_id: ScanId, reasons: PendingReasons
) -> ListedScan:
    report, receipt, problem = _entries(spool, boxes, scan_id)
    profile = status = score = answer = None
    message = problem
    if report is not None:
        profile, status = report.profile.name, report.status
        message = message or report.error
        if report.status == "completed":
            score = report.summary.score
    if receipt is not None:
        answer = receipt.answer
        if answer != "accepted":
            message = message or receipt.message
    return ListedScan(
        scan_id=scan_id,
        scanner=scanner_of(scan_id),
        state=boxes.state(scan_id),
        profile=profile,
        status=status,
        score=score,
        answer=answer,
        waits=reasons.why(scan_id),
        message=message,
    )


def _entries(
    spool: Spool, boxes: states.Boxes, scan_id: ScanId
) -> tuple[Report | None, Receipt | None, str | None]:
    """The report and the receipt, and what is wrong with them."""
    report = receipt = None
    try:
        if scan_id in boxes.reports:
            report = spool.reports.read(scan_id)
        if scan_id in boxes.receipts:
            receipt = spool.receipts.read(scan_id)
    except (EntryDamagedError, NewerFormatError) as error:
        return report, receipt, str(error)
    except EntryError:
        # Its owner has removed it meanwhile.
        return report, receipt, None
    return report, receipt, None


def _row(scan: ListedScan) -> tuple[object, ...]:
    why = "; ".join(filter(None, (scan.message, scan.waits)))
    return scan.scan_id, scan.state, scan.profile, scan.status, scan.score, scan.answer, why
