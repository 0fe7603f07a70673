"""What the furthest entries of a scan contain, and what is wrong with them.

Of a report only its header is read. An entry of a newer format or a damaged one is a problem with
the scan, never an error of the command.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from schemas.ids import ScanId
from schemas.receipt import Receipt
from schemas.records import Struct
from schemas.report import ReportHeader
from spool.errors import (
    EntryError,
    EntryMissingError,
    EntryUnreadableError,
    NewerFormatError,
)
from spool.layout import STAGES
from spool.spool import Spool
from stages.console.scan_states import Boxes

_E = TypeVar("_E")
_MOST_READ = 100

ProblemKind = Literal["damaged", "unreadable", "newer"]
_KINDS: Mapping[type[EntryError], ProblemKind] = {
    EntryUnreadableError: "unreadable",
    NewerFormatError: "newer",
}


class FurthestEntries(Struct):
    """What could be read; `error` is that of the first entry that could not."""

    profile: str | None = None
    header: ReportHeader | None = None
    receipt: Receipt | None = None
    entry: str = ""
    """The name of the entry that was read last."""
    error: EntryError | None = None

    @property
    def problem(self) -> str | None:
        if self.error is None:
            return None
        return str(self.error)


def read_if_kept(read: Callable[[ScanId], _E], scan_id: ScanId) -> _E | None:
    """An entry of a scan; None where there is none. Raises EntryError."""
    try:
        return read(scan_id)
    except EntryMissingError:
        return None


def read_entries(spool: Spool, boxes: Boxes, scan_id: ScanId) -> FurthestEntries:
    """The receipt and the entry that it answers; without a report, what comes before it."""
    found = FurthestEntries()
    try:
        if scan_id in boxes.reports:
            found.entry = spool.reports.name(scan_id)
            found.header = spool.reports.header(scan_id)
            found.profile = found.header.profile
        elif scan_id in boxes.raw:
            found.entry = spool.raw.name(scan_id)
            found.profile = spool.raw.manifest(scan_id).profile_title
        elif scan_id in boxes.requests:
            found.entry = spool.requests.name(scan_id)
            found.profile = spool.requests.read(scan_id).profile_text
        elif scan_id in boxes.commands:
            found.entry = spool.commands.name(scan_id)
            found.profile = spool.commands.requests.read(scan_id).profile_text
        elif scan_id in boxes.submissions:
            found.entry = spool.commands.submissions.name(scan_id)
            found.profile = spool.commands.submissions.read(scan_id).profile_title
        if scan_id in boxes.receipts:
            found.entry = spool.receipts.name(scan_id)
            found.receipt = spool.receipts.read(scan_id)
    except EntryMissingError:
        # Its owner has removed it meanwhile.
        return found
    except EntryError as error:
        found.error = error
    return found


def problem_kind(error: EntryError) -> ProblemKind:
    """What is wrong with an entry that is there."""
    return _KINDS.get(type(error), "damaged")


def problems(spool: Spool, boxes: Boxes) -> dict[ProblemKind, dict[str, str]]:
    """The names of entries that can't be used, each with the reason: what the stages have found,
    and what this process finds in those of the newest pending scans and in the newest fixes.

    It reads a bounded number, so that it costs the same however many are pending: a newer version
    that was removed again wrote the newest entries.
    """
    found: dict[ProblemKind, dict[str, str]] = {"damaged": {}, "unreadable": {}, "newer": {}}
    for stage in STAGES:
        found["newer"] |= spool.state_store(stage).newer()
        found["unreadable"] |= spool.state_store(stage).unreadable()
    for scan_id in boxes.pending[-_MOST_READ:]:
        entries = read_entries(spool, boxes, scan_id)
        if entries.error is not None:
            found[problem_kind(entries.error)][entries.entry] = str(entries.error)
    for name in spool.fixes.names()[-_MOST_READ:]:
        try:
            spool.fixes.check(name)
        except EntryMissingError:
            continue
        except EntryError as error:
            found[problem_kind(error)][name] = str(error)
    return found
