"""Turns between what operators request and all the rest (the server, schedules, copies): thousands
of requests of one side do not hold up the other. Each side's oldest goes first.

An operator's request stays in `commands/` until its scan is done, so names alone distinguish the
sides, and a choice reads no entry.
"""

from collections.abc import Collection, Sequence

from schemas.ids import ScanId


class FairOrder:
    """The turns of one stage."""

    def __init__(self) -> None:
        self._operator_went_last = False

    def next(self, waiting: Sequence[ScanId], of_operators: Collection[ScanId]) -> ScanId | None:
        """The scan whose turn it is; `waiting` oldest first."""
        commanded = frozenset(of_operators)
        oldest: dict[bool, ScanId] = {}
        """Of each side, by whether it is the operators'."""
        for scan_id in waiting:
            oldest.setdefault(scan_id in commanded, scan_id)
        if len(oldest) == 2:
            self._operator_went_last = not self._operator_went_last
            return oldest[self._operator_went_last]
        return next(iter(oldest.values()), None)
