"""What a stage still has to do: the ids that its upstream box has and that are not answered yet.
Pure.

The only place where boxes are subtracted from each other. It works on names alone, so an entry that
cannot be read counts as one that is there.

Security: only a stage's own box decides what is still to do. An entry that a later stage writes too
early, such as a report of a request that waits, changes nothing.
"""

from collections.abc import Collection, Mapping
from typing import TypeVar

from schemas.ids import ScanId
from spool.layout import OUTBOX, STAGES, UPSTREAM, Box, Stage

Id = TypeVar("Id", bound=str)


def boxes_for(stage: Stage) -> tuple[Box, ...]:
    """The boxes whose ids `pending` needs."""
    return UPSTREAM[stage], OUTBOX[stage]


def pending(
    stage: Stage,
    ids: Mapping[Box, Collection[ScanId]],
    quarantined_raw: Collection[ScanId] = (),
) -> list[ScanId]:
    """The scans that wait for a stage, oldest first.

    `quarantined_raw`: scans whose raw entry was damaged; no scan is done twice, so for the scan
    stage they are done.
    """
    answered = set(ids[OUTBOX[stage]])
    if stage == "scan":
        answered.update(quarantined_raw)
    return sorted(set(ids[UPSTREAM[stage]]) - answered)


def next_stage(
    scan_id: ScanId,
    ids: Mapping[Box, Collection[ScanId]],
    submissions: Collection[ScanId] = (),
    quarantined_raw: Collection[ScanId] = (),
) -> Stage | None:
    """The first stage for which a scan waits; None where it waits for none.

    `submissions`: scans made elsewhere, which wait for the scan stage without a request.
    """
    is_scanned = scan_id in ids["raw"] or scan_id in quarantined_raw
    for stage in STAGES:
        waits = scan_id in ids[UPSTREAM[stage]]
        is_answered = scan_id in ids[OUTBOX[stage]]
        if stage == "scan":
            waits = waits or scan_id in submissions
        if stage in ("trigger", "scan"):
            # Copying the command of a scan that was done starts nothing.
            is_answered = is_answered or is_scanned
        if waits and not is_answered:
            return stage
    return None


def done(
    stage: Stage,
    ids: Mapping[Box, Collection[ScanId]],
    quarantined_raw: Collection[ScanId] = (),
) -> set[ScanId]:
    """The scans that every stage behind this one has answered; for ship, those that it has itself.

    A receipt alone does not show that a scan was done: a hostile ship stage can write any receipt.
    """
    finished = set(ids["receipts"])
    for later in STAGES[STAGES.index(stage) + 1 :]:
        answered = set(ids[OUTBOX[later]])
        if later == "scan":
            answered.update(quarantined_raw)
        finished &= answered
    return finished


def not_taken_up(given: Collection[Id], taken_up: Collection[str]) -> list[Id]:
    """Ids, of commands or of a bundle, that are not answered with an entry yet, oldest first."""
    return sorted(set(given).difference(taken_up))


def receipts_without_report(ids: Mapping[Box, Collection[ScanId]]) -> list[ScanId]:
    """The scans that have a receipt although their report is not there, oldest first."""
    return sorted(set(ids["receipts"]).difference(ids["reports"]))


def spent_cancellations(
    taken_up: Mapping[str, Collection[ScanId]],
    given: Collection[str],
    requests: Collection[ScanId],
) -> list[str]:
    """Ids of cancellations that have no effect any more: neither their command nor a request of
    their scans is left.

    `taken_up`: the scans of each cancellation that the trigger stage has copied.
    """
    return [
        command_id
        for command_id, scan_ids in taken_up.items()
        if command_id not in given and set(requests).isdisjoint(scan_ids)
    ]


def carried_out(given: Collection[Id], answered: Collection[str]) -> list[Id]:
    """Ids, of commands or of a bundle, that have been answered, oldest first."""
    return sorted(set(given) & set(answered))
