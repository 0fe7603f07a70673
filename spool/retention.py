"""Which entries are deleted. Pure, and without a clock: age is counted from the newest entry, so a
clock that jumps expires nothing until there is a newer scan.

An entry is deleted only when its scan is done and its upstream entry is gone: nothing is scanned,
parsed or sent again because its answer was deleted. What is not done never expires.
"""

from collections.abc import Collection
from datetime import timedelta

from schemas.ids import ScanId, requested_at
from spool import layout


def expired(
    own: Collection[ScanId],
    upstream: Collection[ScanId],
    done: Collection[ScanId],
    keep: timedelta,
    keep_last: int,
) -> list[ScanId]:
    """Ids of `own` whose entries may go: done, not upstream, older than the newest by `keep`, not
    among the last.
    """
    ordered = sorted(own)
    if not ordered:
        return []
    oldest_kept = requested_at(ordered[-1]) - keep
    candidates = ordered[: max(0, len(ordered) - keep_last)]
    may_go = set(done).difference(upstream)
    return [entry for entry in candidates if entry in may_go and requested_at(entry) < oldest_kept]


def expired_archived(
    archived: Collection[str],
    own: Collection[ScanId],
    replays: Collection[str],
    keep: timedelta,
    keep_last: int,
) -> list[str]:
    """Names of `history/` that may go.

    The replay that took them away is gone, so it can't be carried out again; their scans are old
    enough to expire, and have no entry in `own`.
    """
    waiting = set(replays)
    scans: dict[str, ScanId] = {}
    for name in archived:
        parts = layout.split_archived_name(name)
        if parts is None:
            continue
        entry_name, command_id = parts
        scan_id = layout.scan_id_of(entry_name)
        if scan_id is not None and command_id not in waiting:
            scans[name] = scan_id
    all_scans = {*own, *scans.values()}
    # `own` stands for the upstream box: what was archived stays while its scan has an entry. All
    # count as done: the replay that archived them is gone.
    gone = set(expired(all_scans, own, all_scans, keep, keep_last))
    return sorted(name for name, scan_id in scans.items() if scan_id in gone)


def expired_outcomes(
    outcomes: Collection[str], commands: Collection[str], keep_last: int
) -> list[str]:
    """Ids of outcomes that may go: their commands are gone, and they are not among the last."""
    ordered = sorted(outcomes)
    candidates = ordered[: max(0, len(ordered) - keep_last)]
    waiting = set(commands)
    return [command_id for command_id in candidates if command_id not in waiting]
