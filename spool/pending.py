"""What a stage still has to do: the ids that its upstream box has and that are not answered yet.
Pure.

The only place where boxes are subtracted from each other. It works on names alone, so an entry that
cannot be read counts as one that is there.
"""

from collections.abc import Collection, Mapping

from schemas.ids import ScanId
from spool.layout import UPSTREAM, Box, Stage

ANSWERED_BY: Mapping[Stage, tuple[Box, ...]] = {
    "trigger": ("requests",),
    # Where raw entries were lost, their reports and receipts show that the scans were done.
    "scan": ("raw", "reports", "receipts"),
    "parse": ("reports",),
    "ship": ("receipts",),
}
"""The boxes whose entries answer those of a stage's upstream box."""


def boxes_for(stage: Stage) -> tuple[Box, ...]:
    """The boxes whose ids `pending` needs."""
    return UPSTREAM[stage], *ANSWERED_BY[stage]


def pending(
    stage: Stage,
    ids: Mapping[Box, Collection[ScanId]],
    quarantined_raw: Collection[ScanId] = (),
) -> list[ScanId]:
    """The scans that wait for a stage, oldest first.

    `quarantined_raw`: scans whose raw entry was damaged; no scan is done twice, so for the scan
    stage they are done.
    """
    answered: set[ScanId] = set()
    for box in ANSWERED_BY[stage]:
        answered.update(ids[box])
    if stage == "scan":
        answered.update(quarantined_raw)
    return sorted(scan_id for scan_id in ids[UPSTREAM[stage]] if scan_id not in answered)


def not_taken_up(given: Collection[str], taken_up: Collection[str]) -> list[str]:
    """Ids of commands that their stage has not answered with an entry yet, oldest first."""
    return sorted(set(given) - set(taken_up))


def carried_out(given: Collection[str], answered: Collection[str]) -> list[str]:
    """Ids of commands that have been answered and may be removed, oldest first."""
    return sorted(set(given) & set(answered))
