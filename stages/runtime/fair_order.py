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
        first_commanded = next((i for i in waiting if i in commanded), None)
        first_other = next((i for i in waiting if i not in commanded), None)
        if first_commanded is None or first_other is None:
            return first_commanded or first_other
        self._operator_went_last = not self._operator_went_last
        if self._operator_went_last:
            return first_commanded
        return first_other
