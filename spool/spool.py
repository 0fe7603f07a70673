"""One spool, seen by one stage or by the operator.

Promises: `claim` makes what is missing of a stage's own, checks owners and modes of all that the
stage needs, takes the stage's lock and sweeps what a crash left; after that the stage may write its
outbox.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path

from schemas.ids import ScanId, Scanner, is_scan_id, next_scan_id
from spool import access, file_system, layout, ownership
from spool.access import Fault
from spool.command_box import CommandBox
from spool.errors import QuotaError, SpoolUnusableError
from spool.fix_store import FixStore
from spool.layout import BOXES, DIRECTORIES, OUTBOX, STAGES, Box, Stage
from spool.lock import Lock, is_held
from spool.outbox import Outbox, ReceiptBox, ReportBox, RequestBox
from spool.pending import boxes_for, done, not_taken_up, pending
from spool.raw import RawBox
from spool.state_store import StateStore


class Spool:
    """Reading needs no more than this; writing needs `claim` (a stage) or `prepare` (the operator,
    for commands).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands = CommandBox(root)
        self.requests = RequestBox(root)
        self.raw = RawBox(root)
        self.reports = ReportBox(root)
        self.receipts = ReceiptBox(root)
        self.fixes = FixStore(root)
        self._boxes: Mapping[Box, Outbox] = {
            "commands": self.commands,
            "requests": self.requests,
            "raw": self.raw,
            "reports": self.reports,
            "receipts": self.receipts,
        }
        self._state_stores = {stage: StateStore(root, stage) for stage in STAGES}
        self._lock: Lock | None = None

    def outbox(self, box: Box) -> Outbox:
        return self._boxes[box]

    def newest_scan_id(self) -> ScanId | None:
        """The newest scan id in any box, also of what was imported or copied in; None in an empty
        spool.
        """
        newest = [box.scan_ids()[-1:] for box in self._boxes.values()]
        return max(chain.from_iterable(newest), default=None)

    def next_scan_id(
        self,
        scanner: Scanner,
        at: datetime,
        *,
        made: ScanId | None = None,
        ending: str | None = None,
    ) -> ScanId:
        """An id greater than all in this spool, and than `made`; see `schemas.ids.next_scan_id`.

        Raises QuotaError after the greatest id that there can be. No clock leads there, but what
        was imported, or a hostile stage; under a name that is no id, a request would be lost.
        """
        newest = max(filter(None, (self.newest_scan_id(), made)), default=None)
        scan_id = next_scan_id(scanner, at, newest, ending)
        if not is_scan_id(scan_id):
            raise QuotaError(
                f"no scan id is greater than {newest}, so no scan can be requested: move its "
                f"entries out of {self.root}"
            )
        return scan_id

    def pending(self, stage: Stage) -> list[ScanId]:
        """The scans that wait for a stage, oldest first; see `spool.pending`."""
        # Read from the front, so a scan on its way is seen at least once.
        ids = {box: self.outbox(box).scan_ids() for box in boxes_for(stage)}
        if stage == "scan":
            return pending(stage, ids, self.raw.quarantined_scans())
        return pending(stage, ids)

    def done(self, stage: Stage) -> set[ScanId]:
        """The scans that every stage behind this one has answered; see `spool.pending`."""
        ids = {box: self.outbox(box).scan_ids() for box in BOXES}
        if stage == "trigger":
            return done(stage, ids, self.raw.quarantined_scans())
        return done(stage, ids)

    def pending_cancellations(self) -> list[str]:
        """Cancellations that the trigger stage has not taken up yet, oldest first."""
        taken_up = self.requests.cancellations.ids()
        return not_taken_up(self.commands.cancellations.ids(), taken_up)

    def pending_imports(self) -> list[str]:
        """Imports that the parse stage has not carried out yet, oldest first."""
        return not_taken_up(self.commands.imports.ids(), self.reports.imported.ids())

    def pending_remediations(self) -> list[str]:
        """What the server wants fixed and has no outcome yet, oldest first."""
        return not_taken_up(self.requests.remediations.ids(), self.fixes.fixes.ids())

    def pending_submissions(self) -> list[ScanId]:
        """Submissions that the scan stage has not taken in yet, oldest first."""
        submitted = self.commands.submissions.ids()
        if not submitted:
            # The usual case, in every pass of the scan stage: nothing else is listed.
            return []
        return not_taken_up(submitted, [*self.raw.scan_ids(), *self.raw.quarantined_scans()])

    def faults(self) -> Iterator[Fault]:
        """Wrong owners, groups and modes of directories and entries, each with its remedy."""
        yield from ownership.wrong_directories(self.root)
        yield from ownership.wrong_entries(self.root, self._boxes.values())

    def state_store(self, stage: Stage) -> StateStore:
        return self._state_stores[stage]

    def claim(self, stage: Stage) -> list[str]:
        """Become the one writer of a stage's outbox; what a crash had left half written is
        returned.
        """
        if os.path.lexists(self.root):
            ownership.check_root(self.root)
        ownership.check_reachable(self.root)
        # In this order: nothing is made below a directory that another user could replace, and
        # nothing is swept before the lock shows that no other process is writing.
        self.prepare()
        file_system.check(self.root)
        ownership.check(self.root, stage)
        self._lock = Lock(self._lock_path(stage))
        self._lock.acquire(f"{stage} stage")
        self.state_store(stage).sweep()
        self.state_store(stage).forget_not_read()
        return self.outbox(OUTBOX[stage]).sweep()

    def prepare(self) -> None:
        """Make what is missing of the spool, so that stages may start in any order.

        Not where its directories belong to several users: the first stage would own them all.
        """
        paths = [self.root / place.path for place in DIRECTORIES]
        missing = [path for path in paths if not path.exists()]
        if missing and ownership.is_shared(self.root):
            raise SpoolUnusableError(
                f"{missing[0]}: is missing, and several users own this spool: {access.TMPFILES}"
            )
        for path in missing:
            access.make_directory(path)

    def is_running(self, stage: Stage) -> bool:
        """Whether a process of that stage works on this spool."""
        return is_held(self._lock_path(stage))

    def check_claim(self) -> None:
        """Raises SpoolUnusableError where the spool was removed, or is another one by now, since it
        was claimed.
        """
        if self._lock and not self._lock.is_current():
            raise SpoolUnusableError(f"{self.root}: was removed while this stage runs")

    def release(self) -> None:
        if self._lock:
            self._lock.release()
        for box in self._boxes.values():
            box.close()
        self.fixes.close()
        for store in self._state_stores.values():
            store.close()

    def _lock_path(self, stage: Stage) -> Path:
        return self.root / "state" / stage / layout.LOCK
