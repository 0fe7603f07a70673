"""The state of a scan: which entries exist. Reads names and one state file, so it works while no
stage runs.
"""

from collections.abc import Collection, Mapping
from typing import Literal

from schemas.ids import ScanId
from schemas.records import Struct
from spool.layout import Box, Stage
from spool.pending import next_stage, pending
from spool.spool import Spool
from stages.scan.running import STATE, Running, start_ticks

State = Literal["requested", "scanning", "parse-pending", "ship-pending", "held", "done"]
_STATES: Mapping[Stage, State] = {
    # The operator's request is first copied by the trigger stage.
    "trigger": "requested",
    "scan": "requested",
    "parse": "parse-pending",
    "ship": "ship-pending",
}


class Boxes(Struct, frozen=True):
    """The ids in every box at one moment."""

    commands: frozenset[ScanId]
    requests: frozenset[ScanId]
    raw: frozenset[ScanId]
    reports: frozenset[ScanId]
    receipts: frozenset[ScanId]
    holds: frozenset[ScanId]
    submissions: frozenset[ScanId] = frozenset()
    """Scans that were made elsewhere, whose files are in `commands/`."""
    quarantined_raw: frozenset[ScanId] = frozenset()
    """Scans that were done, and whose raw entry was damaged."""
    scanning: ScanId | None = None
    """The one scan whose scanner runs now."""

    @property
    def scan_ids(self) -> list[ScanId]:
        """Oldest first."""
        return sorted(self.submissions.union(*self.by_box.values()))

    @property
    def by_box(self) -> Mapping[Box, Collection[ScanId]]:
        """The scan ids of each box."""
        return {
            "commands": self.commands,
            "requests": self.requests,
            "raw": self.raw,
            "reports": self.reports,
            "receipts": self.receipts,
        }

    @property
    def pending(self) -> list[ScanId]:
        """Those that are not done, oldest first."""
        return [scan_id for scan_id in self.scan_ids if self.state(scan_id) != "done"]

    def waiting_for(self, stage: Stage) -> list[ScanId]:
        """Those that a stage has to work on, oldest first."""
        return pending(stage, self.by_box, self.quarantined_raw)

    def state(self, scan_id: ScanId) -> State:
        """What the first stage that has not answered it yet has to do, or does now."""
        stage = self.next_stage(scan_id)
        if stage is None:
            return "done"
        if stage == "ship" and scan_id in self.holds:
            return "held"
        if stage == "scan" and scan_id == self.scanning:
            return "scanning"
        return _STATES[stage]

    def next_stage(self, scan_id: ScanId) -> Stage | None:
        """The stage that has to work on it next; None where none has."""
        return next_stage(scan_id, self.by_box, self.submissions, self.quarantined_raw)


def snapshot(spool: Spool) -> Boxes:
    """The boxes now. Read from the front, so that a scan on its way is seen at least once."""
    return Boxes(
        commands=frozenset(spool.commands.requests.ids()),
        requests=frozenset(spool.requests.ids()),
        raw=frozenset(spool.raw.scan_ids()),
        reports=frozenset(spool.reports.ids()),
        receipts=frozenset(spool.receipts.ids()),
        holds=frozenset(spool.commands.holds.ids()),
        submissions=frozenset(spool.commands.submissions.ids()),
        quarantined_raw=frozenset(spool.raw.quarantined_scans()),
        scanning=_scanning(spool),
    )


def _scanning(spool: Spool) -> ScanId | None:
    """From the scan stage's state file, which a crash leaves behind: its process must be alive."""
    running = spool.state_store("scan").read(STATE, Running)
    if running is None or start_ticks(running.pid) != running.start_ticks:
        return None
    if not spool.is_running("scan"):
        return None
    return running.scan_id
