"""The reports that a spool keeps, read one at a time.

A report that was taken away meanwhile, is damaged, or was written by a newer version is passed over
and named in `unreadable`: one bad entry never hides the others.
"""

from collections.abc import Iterator

from schemas.ids import ScanId
from schemas.report import Report
from spool.errors import SpoolError
from spool.spool import Spool


class KeptScans:
    """The reports of one spool, as they were when this was made."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.scan_ids = [ScanId(scan_id) for scan_id in spool.reports.ids()]
        """Oldest first."""
        self.unreadable: list[ScanId] = []

    def newest_first(self, before: ScanId | None = None) -> Iterator[Report]:
        """All reports that can be read, or those of scans before that one."""
        for scan_id in reversed(self.scan_ids):
            if before is not None and scan_id >= before:
                continue
            try:
                yield self._spool.reports.read(scan_id)
            except SpoolError:
                self.unreadable.append(scan_id)

    def of_profile(self, like: Report) -> Iterator[Report]:
        """Scans with the same scanner and profile before this one, newest first."""
        for report in self.newest_first(like.scan_id):
            if has_same_profile(report, like):
                yield report

    def previous_completed(self, like: Report) -> Report | None:
        for report in self.of_profile(like):
            if report.status == "completed":
                return report
        return None


def has_same_profile(one: Report, other: Report) -> bool:
    """A renamed profile with the same id is the same."""
    if one.profile.type != other.profile.type:
        return False
    if one.profile.id and other.profile.id:
        return one.profile.id == other.profile.id
    return one.profile.name == other.profile.name
