"""What every owner does for its box: damage to quarantine, replayed entries to history, old entries out.

The reader of a box finds damage and leaves a mark in its own state. The owner sees the mark, checks
the entry itself, and moves it away. So no stage ever touches another's box.
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
    """Move away own entries that their reader has marked as damaged, and that are."""
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
                "damaged entry moved to quarantine",
                scan_id=layout.scan_id_of(name),
                entry=name,
                why=reason,
            )


def forget_damage(spool: Spool, stage: Stage) -> None:
    """Drop this stage's marks on upstream entries that are gone."""
    state_store = spool.state_store(stage)
    upstream = spool.outbox(UPSTREAM[stage])
    for name in state_store.damaged():
        if not upstream.has(name):
            state_store.unmark_damaged(name)


def replays(spool: Spool, step: str) -> Iterator[tuple[str, Replay]]:
    """The replay commands for a step, oldest first, each with its id; damaged ones are skipped."""
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
    """Archive the entries of these scans, each once per command; the scans whose entry was there."""
    archived_before = set(box.archived())
    archived: list[ScanId] = []
    for scan_id in scan_ids:
        name = layout.entry_name(scan_id, kind)
        if layout.archived_name(name, command_id) not in archived_before and box.has(name):
            box.archive(name, command_id)
            archived.append(scan_id)
    return archived


def expire(spool: Spool, stage: Stage, settings: Settings) -> list[str]:
    """Remove own entries whose retention is over; their names are returned."""
    box = spool.outbox(OUTBOX[stage])
    names_by_id = _names_by_id(box)
    upstream = set(_names_by_id(spool.outbox(UPSTREAM[stage])))
    done = [ScanId(entry) for entry in spool.receipts.ids("receipt") if is_scan_id(entry)]
    names: list[str] = []
    for scan_id in expired(names_by_id, upstream, done, settings.keep, settings.spool.keep_last):
        names += names_by_id[scan_id]
    if stage == "trigger":
        names += _spent_cancellations(spool)
    for name in names:
        box.remove(name)
    return names


def _names_by_id(box: Outbox) -> dict[ScanId, list[str]]:
    """The names of a box's entries by the scan that they belong to."""
    found: dict[ScanId, list[str]] = {}
    for name in box.names():
        scan_id = layout.scan_id_of(name)
        if scan_id is not None:
            found.setdefault(scan_id, []).append(name)
    return found


def _spent_cancellations(spool: Spool) -> list[str]:
    """Cancellations whose command and requests are all gone."""
    commands = set(spool.commands.ids("cancel"))
    requests = {*spool.commands.ids("request"), *spool.requests.ids("request")}
    spent: list[str] = []
    for command_id in spool.requests.ids("cancel"):
        try:
            cancellation = spool.requests.read(command_id, "cancel", Cancellation)
        except (EntryDamagedError, EntryMissingError):
            continue
        if command_id not in commands and requests.isdisjoint(cancellation.scan_ids):
            spent.append(layout.entry_name(command_id, "cancel"))
    return spent
