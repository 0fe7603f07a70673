"""Maintenance of a stage's own box: quarantine, archive, and removal of old entries.

The reader of a box finds damage and records it in its own state. The owner sees the mark, checks
the entry itself, and moves it away. So no stage ever touches another's box.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice

from schemas.command import Replay
from schemas.ids import ScanId
from schemas.settings import Settings
from spool import layout
from spool.errors import EntryDamagedError, EntryError, NameBlockedError, StorageError
from spool.layout import OUTBOX, READER, UPSTREAM, Kind, Stage
from spool.outbox import Outbox
from spool.pending import spent_cancellations
from spool.retention import expired, expired_archived, expired_outcomes
from spool.spool import Spool
from stages.runtime.logs import Log

FREE_THE_NAME = "see lsattr and findmnt: it is immutable, or a mount point"
_MOST_CHECKS = 10
_CHECKED_FOR_S = 3600.0


class DamageCheck:
    """Moves away own entries that their reader has marked as damaged, and that are.

    An entry is read to its last byte for that. So few are in one pass, and one that was found
    whole, or can't be moved away, is not read again for an hour, however often its reader marks it.
    """

    def __init__(self, spool: Spool, stage: Stage, log: Log) -> None:
        self._spool = spool
        self._stage = stage
        self._log = log
        self._checked: dict[str, float] = {}

    def run_once(self, now: datetime) -> None:
        box = self._spool.outbox(OUTBOX[self._stage])
        if box.box not in READER:
            return
        marked = set(self._spool.state_store(READER[box.box]).damaged_names())
        marked.intersection_update(box.names())
        for name in self._due(sorted(marked)):
            self._check(box, name, now)

    def _due(self, marked: Sequence[str]) -> list[str]:
        """Those that are read now."""
        since = time.monotonic() - _CHECKED_FOR_S
        known = self._checked
        self._checked = {name: known[name] for name in marked if known.get(name, since) > since}
        due = (name for name in marked if name not in self._checked)
        return list(islice(due, _MOST_CHECKS))

    def _check(self, box: Outbox, name: str, now: datetime) -> None:
        try:
            box.check(name)
        except EntryDamagedError as error:
            if self._is_quarantined(box, name, now, error):
                return
        except EntryError:
            # It is gone, or a later version's.
            pass
        self._checked[name] = time.monotonic()

    def _is_quarantined(
        self, box: Outbox, name: str, now: datetime, damage: EntryDamagedError
    ) -> bool:
        """Move a damaged entry to quarantine; False where it can't be moved."""
        try:
            box.quarantine(name, layout.new_command_id(now), str(damage))
        except NameBlockedError as error:
            self._log.error(
                "damaged entry can't be moved to quarantine, the other work goes on",
                scan_id=layout.scan_id_of(name),
                entry=name,
                reason=error.why,
                action=FREE_THE_NAME,
            )
            return False
        self._log.error(
            "damaged entry moved to quarantine",
            scan_id=layout.scan_id_of(name),
            entry=name,
            reason=str(damage),
        )
        return True


def forget_damage(spool: Spool, stage: Stage) -> None:
    """Drop this stage's marks on upstream entries that are gone, or were made again."""
    state_store = spool.state_store(stage)
    upstream = spool.outbox(UPSTREAM[stage])
    for name in state_store.damaged():
        if not upstream.has(name) or _is_whole(upstream, name):
            state_store.unmark_damaged(name)


def _is_whole(box: Outbox, name: str) -> bool:
    try:
        return box.check(name)
    except (EntryError, StorageError):
        return False


def forget_attempts(spool: Spool, stage: Stage) -> None:
    """Drop the attempts of work that has its outcome: a kill came between the two."""
    done: set[str] = set(spool.outbox(OUTBOX[stage]).scan_ids())
    if stage == "parse":
        done.update(spool.reports.imported.ids())
    state_store = spool.state_store(stage)
    for entry_id in state_store.attempted():
        if entry_id in done:
            state_store.end(entry_id)


def replays(spool: Spool, step: str) -> Iterator[tuple[str, Replay]]:
    """The replay commands for a step, oldest first, each with its id; damaged ones are skipped."""
    for command_id, replay in spool.commands.replays.readable():
        if replay.step == step:
            yield command_id, replay


def archive_replayed(
    box: Outbox,
    kind: Kind,
    command_id: str,
    scan_ids: Collection[ScanId],
    alive: Callable[[], None],
    failed: Callable[[ScanId, StorageError], None],
) -> list[ScanId]:
    """Archive the entries of these scans, each once per command; `alive` is called at each, and
    `failed` for one that can't be moved while others can.

    Returns the scans whose entry was there.
    """
    archived_before = set(box.archived())
    archived: list[ScanId] = []
    # The name in the history holds the command's id, so a pass that was interrupted goes on where
    # it stopped, and an entry that was made again since is left alone.
    for scan_id in scan_ids:
        name = layout.entry_name(scan_id, kind)
        if layout.archived_name(name, command_id) not in archived_before and box.has(name):
            alive()
            try:
                box.archive(name, command_id)
            except NameBlockedError as error:
                failed(scan_id, error)
            else:
                archived.append(scan_id)
    return archived


def expire(spool: Spool, stage: Stage, settings: Settings, log: Log) -> list[str]:
    """Remove own entries whose retention is over, and those in the history; returns their names."""
    box = spool.outbox(OUTBOX[stage])
    upstream = spool.outbox(UPSTREAM[stage]).scan_ids()
    if stage == "scan":
        # Else a submission that is still there would be taken in again.
        upstream = [*upstream, *spool.commands.submissions.ids()]
    gone = expired(
        box.scan_ids(),
        upstream,
        spool.done(stage),
        settings.keep,
        settings.spool.keep_last,
    )
    names = list(map(box.name, gone))
    if stage == "trigger":
        spent = spent_cancellations(
            _cancelled_scans(spool),
            spool.commands.cancellations.ids(),
            {*spool.commands.requests.ids(), *spool.requests.ids()},
        )
        names += [layout.entry_name(command_id, "cancel") for command_id in spent]
    if stage == "parse":
        outcomes = expired_outcomes(
            spool.reports.imported.ids(), spool.commands.imports.ids(), settings.spool.keep_last
        )
        names += [layout.entry_name(command_id, "imported") for command_id in outcomes]
    removed = _each_removed(box.remove, names, log)
    archived = expired_archived(
        box.archived(),
        box.scan_ids(),
        spool.commands.replays.ids(),
        settings.keep,
        settings.spool.keep_last,
    )
    return [*removed, *_each_removed(box.remove_archived, archived, log)]


def _each_removed(remove: Callable[[str], None], names: Sequence[str], log: Log) -> list[str]:
    """Remove these; those that are gone are returned."""
    removed: list[str] = []
    for name in names:
        try:
            remove(name)
        except NameBlockedError as error:
            log.warning(
                "old entry can't be removed, the others are",
                entry=name,
                reason=error.why,
                action=FREE_THE_NAME,
            )
        else:
            removed.append(name)
    return removed


def _cancelled_scans(spool: Spool) -> dict[str, Collection[ScanId]]:
    """The scans of each cancellation in `requests/`; damaged ones are left out."""
    readable = spool.requests.cancellations.readable()
    return {command_id: cancellation.scan_ids for command_id, cancellation in readable}
