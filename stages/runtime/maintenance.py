"""What every owner does for its box: damage to quarantine, replayed entries to history, old entries out.

The reader of a box finds damage and leaves a mark in its own state; the owner looks at the mark, sees for itself,
and takes the entry away. So no stage ever touches another's box.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from schemas.command import Replay
from schemas.ids import ScanId, is_scan_id
from schemas.request import Cancellation
from schemas.settings import Settings
from spool import layout
from spool.errors import EntryDamagedError, EntryMissingError
from spool.layout import OUTBOX, READER, UPSTREAM, Kind, Stage
from spool.outbox import Outbox
from spool.retention import expired
from spool.spool import Spool
from stages.runtime.logs import Log

Verify = Callable[[str], object]
"""Reads an entry by its name; raises EntryDamagedError."""


def quarantine_damage(spool: Spool, stage: Stage, verify: Verify, now: datetime, log: Log) -> None:
    """Take away own entries that their reader found damaged, and that are."""
    box = spool.outbox(OUTBOX[stage])
    if box.box not in READER:
        return
    for name, reason in spool.state_store(READER[box.box]).damaged().items():
        try:
            verify(name)
        except EntryMissingError:
            continue
        except EntryDamagedError as error:
            box.quarantine(name, layout.new_command_id(now), str(error))
            log.error(
                "damaged entry taken to quarantine",
                scan_id=layout.scan_id_of(name),
                entry=name,
                why=reason,
            )


def forget_damage(spool: Spool, stage: Stage) -> None:
    """Drop this stage's marks on upstream entries that are gone."""
    state_store, upstream = spool.state_store(stage), spool.outbox(UPSTREAM[stage])
    for name in state_store.damaged():
        if not upstream.has(name):
            state_store.unmark_damaged(name)


def replays(spool: Spool, step: str) -> Iterator[tuple[str, Replay]]:
    """The operator's replay commands for a step, oldest first, each with its id. Damaged ones are passed over."""
    for command_id in spool.commands.ids("replay"):
        try:
            replay = spool.commands.read(command_id, "replay", Replay)
        except (EntryDamagedError, EntryMissingError):
            continue
        if replay.step == step:
            yield command_id, replay


def archive_replayed(
    box: Outbox, kind: Kind, command_id: str, scan_ids: Collection[ScanId]
) -> list[ScanId]:
    """Take the entries of these scans to history, each once per command; those taken are returned."""
    already = set(box.archived())
    taken: list[ScanId] = []
    for scan_id in scan_ids:
        name = layout.entry_name(scan_id, kind)
        if layout.archived_name(name, command_id) not in already and box.has(name):
            box.archive(name, command_id)
            taken.append(scan_id)
    return taken


def expire(spool: Spool, stage: Stage, settings: Settings) -> list[str]:
    """Remove own entries that retention lets go; their names are returned."""
    box = spool.outbox(OUTBOX[stage])
    by_id: dict[ScanId, list[str]] = {}
    for name in box.names():
        if scan_id := layout.scan_id_of(name):
            by_id.setdefault(scan_id, []).append(name)
    upstream = {
        scan_id for n in spool.outbox(UPSTREAM[stage]).names() if (scan_id := layout.scan_id_of(n))
    }
    done = [ScanId(i) for i in spool.receipts.ids("receipt") if is_scan_id(i)]
    names = [
        n
        for i in expired(by_id, upstream, done, settings.keep, settings.spool.keep_last)
        for n in by_id[i]
    ]
    if stage == "trigger":
        names += _spent_cancellations(spool)
    for name in names:
        box.remove(name)
    return names


def _spent_cancellations(spool: Spool) -> list[str]:
    """Those that name no request any more: they go with the last of the scans that they ended."""
    given = set(spool.commands.ids("cancel"))
    asked = {*spool.commands.ids("request"), *spool.requests.ids("request")}
    found: list[str] = []
    for command_id in spool.requests.ids("cancel"):
        try:
            cancellation = spool.requests.read(command_id, "cancel", Cancellation)
        except (EntryDamagedError, EntryMissingError):
            continue
        if command_id not in given and asked.isdisjoint(cancellation.scan_ids):
            found.append(layout.entry_name(command_id, "cancel"))
    return found
