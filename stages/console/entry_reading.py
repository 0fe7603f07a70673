"""What the furthest entries of a scan contain, and what is wrong with them.

Of a report only its header is read. An entry of a newer format or a damaged one is a problem with
the scan, never an error of the command.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.command import Submission
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.receipt import Receipt
from schemas.report import ReportHeader
from schemas.request import Request
from spool.errors import EntryDamagedError, EntryMissingError, NewerFormatError
from spool.spool import Spool
from stages.console.scan_states import Boxes

_MOST_READ = 100


@dataclass
class ScanEntries:
    """What could be read; `problem` names the first entry that could not."""

    request: Request | None = None
    submission: Submission | None = None
    manifest: Manifest | None = None
    header: ReportHeader | None = None
    receipt: Receipt | None = None
    entry: str = ""
    """The name of the entry that was read last."""
    problem: str | None = None
    is_newer: bool = False
    """The problem is an entry of a newer format."""


def read_entries(spool: Spool, boxes: Boxes, scan_id: ScanId) -> ScanEntries:
    """The receipt and the entry that it answers; without a report, what comes before it."""
    found = ScanEntries()
    try:
        if scan_id in boxes.reports:
            found.entry = spool.reports.name(scan_id)
            found.header = spool.reports.header(scan_id)
        elif scan_id in boxes.raw:
            found.entry = spool.raw.name(scan_id)
            found.manifest = spool.raw.manifest(scan_id)
        elif scan_id in boxes.requests:
            found.entry = spool.requests.name(scan_id)
            found.request = spool.requests.read(scan_id)
        elif scan_id in boxes.commands:
            found.entry = spool.commands.name(scan_id)
            found.request = spool.commands.requests.read(scan_id)
        elif scan_id in boxes.submissions:
            found.entry = spool.commands.submissions.name(scan_id)
            found.submission = spool.commands.submissions.read(scan_id)
        if scan_id in boxes.receipts:
            found.entry = spool.receipts.name(scan_id)
            found.receipt = spool.receipts.read(scan_id)
    except EntryMissingError:
        # Its owner has removed it meanwhile.
        return found
    except NewerFormatError as error:
        found.problem = str(error)
        found.is_newer = True
    except EntryDamagedError as error:
        found.problem = str(error)
    return found


@dataclass(frozen=True)
class EntryProblem:
    """An entry that cannot be read."""

    entry: str
    message: str
    is_newer: bool


def pending_problems(spool: Spool, boxes: Boxes) -> Iterator[EntryProblem]:
    """What is wrong with the entries of the newest pending scans.

    A bounded number, so that it costs the same however many are pending: a newer version that was
    removed again wrote the newest entries.
    """
    for scan_id in boxes.pending[-_MOST_READ:]:
        entries = read_entries(spool, boxes, scan_id)
        if entries.problem is not None:
            yield EntryProblem(entries.entry, entries.problem, entries.is_newer)
