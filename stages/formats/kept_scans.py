"""The reports that a spool keeps, read one at a time.

A report that was taken away meanwhile, is damaged, or was written by a newer version is passed over
and named in `unreadable`: one bad entry never hides the others.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from schemas.ids import ScanId
from schemas.report import Report, ReportHeader
from spool.errors import SpoolError
from spool.spool import Spool

T = TypeVar("T")


class KeptScans:
    """The reports of one spool, as they were when this was made."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.scan_ids = spool.reports.ids()
        """Oldest first."""
        self.unreadable: list[ScanId] = []

    def newest_first(self, before: ScanId | None = None) -> Iterator[Report]:
        """All reports that can be read, or those of scans before that one."""
        for scan_id in self._ids(before):
            report = self._report(scan_id)
            if report is not None:
                yield report

    def of_profile(self, like: Report) -> Iterator[Report]:
        """Scans with the same scanner and profile before this one, newest first."""
        for report in self.newest_first(like.scan_id):
            if has_same_profile(report, like):
                yield report

    def previous_completed(self, like: Report) -> Report | None:
        """The newest completed scan before this one with the same scanner and profile."""
        # The header is the beginning of an entry: it rules out most scans before a report is read.
        for scan_id, header in self.newest_headers(like.scan_id):
            if header.status != "completed" or header.scanner != like.profile.type:
                continue
            report = self._report(scan_id)
            if report is not None and has_same_profile(report, like):
                return report
        return None

    def newest(self) -> ScanId | None:
        """The newest scan with its own results; a request that another scan answered has none.

        A report that cannot be read may be the newest: who asks for it has to know that.
        """
        for scan_id in self._ids(None):
            header = self._header(scan_id)
            if header is None or header.status != "merged":
                return scan_id
        return None

    def newest_headers(self, before: ScanId | None = None) -> Iterator[tuple[ScanId, ReportHeader]]:
        """The headers of scans with their own results, newest first."""
        for scan_id in self._ids(before):
            header = self._header(scan_id)
            if header is not None and header.status != "merged":
                yield scan_id, header

    def newest_of_each_profile(self) -> Iterator[tuple[Report, Report | None]]:
        """For each scanner and profile the newest report, and the newest of a completed scan."""
        newest: dict[tuple[str, str], ScanId] = {}
        completed: dict[tuple[str, str], ScanId] = {}
        for scan_id, header in self.newest_headers():
            key = (header.scanner, header.profile)
            newest.setdefault(key, scan_id)
            if header.status == "completed":
                completed.setdefault(key, scan_id)
        for key, scan_id in newest.items():
            report = self._report(scan_id)
            if report is None:
                continue
            good: Report | None = report
            if report.status != "completed":
                good = self._report(completed.get(key))
            yield report, good

    def _ids(self, before: ScanId | None) -> Sequence[ScanId]:
        """Newest first."""
        end = len(self.scan_ids)
        if before is not None:
            end = bisect_left(self.scan_ids, before)
        return self.scan_ids[:end][::-1]

    def _header(self, scan_id: ScanId) -> ReportHeader | None:
        return self._readable(self._spool.reports.header, scan_id)

    def _report(self, scan_id: ScanId | None) -> Report | None:
        if scan_id is None:
            return None
        return self._readable(self._spool.reports.read, scan_id)

    def _readable(self, read: Callable[[ScanId], T], scan_id: ScanId) -> T | None:
        try:
            return read(scan_id)
        except SpoolError:
            self.unreadable.append(scan_id)
            return None


def has_same_profile(one: Report, other: Report) -> bool:
    """Whether two scans are of one scanner and profile. Ids decide where both have one.

    A profile with a tailoring is another one than the same without, also if it has kept the id.
    """
    if one.profile.id and other.profile.id:
        return _identity(one) == _identity(other)
    return (one.profile.type, one.profile.name) == (other.profile.type, other.profile.name)


def _identity(report: Report) -> tuple[str, str | None, bool]:
    return report.profile.type, report.profile.id, report.tailoring is not None
