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
    answered = _answered(stage, ids)
    if stage == "scan":
        answered.update(quarantined_raw)
    return sorted(scan_id for scan_id in ids[UPSTREAM[stage]] if scan_id not in answered)


def pending_submissions(
    submitted: Collection[ScanId],
    ids: Mapping[Box, Collection[ScanId]],
    quarantined_raw: Collection[ScanId],
) -> list[ScanId]:
    """The submissions that wait for the scan stage, oldest first.

    They are answered as requests are, by the same boxes.
    """
    answered = _answered("scan", ids).union(quarantined_raw)
    return sorted(scan_id for scan_id in submitted if scan_id not in answered)


def _answered(stage: Stage, ids: Mapping[Box, Collection[ScanId]]) -> set[ScanId]:
    answered: set[ScanId] = set()
    for box in ANSWERED_BY[stage]:
        answered.update(ids[box])
    return answered


def not_taken_up(given: Collection[str], taken_up: Collection[str]) -> list[str]:
    """Ids of commands that their stage has not answered with an entry yet, oldest first."""
    return sorted(set(given) - set(taken_up))


def unfinished(
    ids: Mapping[Box, Collection[ScanId]], submitted: Collection[ScanId] = ()
) -> list[ScanId]:
    """The scans of all boxes, and the submissions, that have no receipt, oldest first."""
    known = set(submitted)
    for box_ids in ids.values():
        known.update(box_ids)
    return sorted(known.difference(ids["receipts"]))


def receipts_without_report(ids: Mapping[Box, Collection[ScanId]]) -> list[ScanId]:
    """The scans that are done although their report is not there, oldest first."""
    return sorted(set(ids["receipts"]).difference(ids["reports"]))


def spent_cancellations(
    taken_up: Mapping[str, Collection[ScanId]],
    given: Collection[str],
    requests: Collection[ScanId],
) -> list[str]:
    """Ids of cancellations that end nothing any more: neither their command nor a request of their
    scans is left.

    `taken_up`: the scans of each cancellation that the trigger stage has copied.
    """
    return [
        command_id
        for command_id, scan_ids in taken_up.items()
        if command_id not in given and set(requests).isdisjoint(scan_ids)
    ]


def carried_out(given: Collection[str], answered: Collection[str]) -> list[str]:
    """Ids of commands that have been answered and may be removed, oldest first."""
    return sorted(set(given) & set(answered))
