"""The state of a scan: which entries exist. Reads names and one note, so it works while no stage runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.ids import ScanId, is_scan_id
from spool.layout import Stage
from spool.spool import Spool
from stages.scan.execution import start_ticks
from stages.scan.stage import RUNNING, Running

State = Literal["asked", "waiting", "scanning", "to be parsed", "to be shipped", "done", "held"]
TURN: Mapping[State, Stage] = {
    "asked": "trigger",
    "waiting": "scan",
    "scanning": "scan",
    "to be parsed": "parse",
    "to be shipped": "ship",
}
"""Whose turn it is."""


@dataclass(frozen=True)
class Boxes:
    """The ids in every box at one moment."""

    commands: frozenset[str]
    requests: frozenset[str]
    raw: frozenset[str]
    reports: frozenset[str]
    receipts: frozenset[str]
    holds: frozenset[str]
    scanning: ScanId | None = None
    """The one scan whose scanner runs now."""

    @property
    def scan_ids(self) -> list[ScanId]:
        every = self.commands | self.requests | self.raw | self.reports | self.receipts
        return [ScanId(i) for i in sorted(every) if is_scan_id(i)]

    def state(self, scan_id: ScanId) -> State:
        """The furthest box that has it decides."""
        if scan_id in self.receipts:
            return "done"
        if scan_id in self.reports:
            return "held" if scan_id in self.holds else "to be shipped"
        if scan_id in self.raw:
            return "to be parsed"
        if scan_id == self.scanning:
            return "scanning"
        return "waiting" if scan_id in self.requests else "asked"

    @property
    def pending(self) -> list[ScanId]:
        return [i for i in self.scan_ids if i not in self.receipts]


def snapshot(spool: Spool) -> Boxes:
    """The boxes now. Read from the front, so a scan on its way is seen at least once."""
    return Boxes(
        commands=frozenset(spool.commands.ids("request")),
        requests=frozenset(spool.requests.ids("request")),
        raw=frozenset(spool.raw.scan_ids()),
        reports=frozenset(spool.reports.ids("report")),
        receipts=frozenset(spool.receipts.ids("receipt")),
        holds=frozenset(spool.commands.ids("hold")),
        scanning=_scanning(spool),
    )


def _scanning(spool: Spool) -> ScanId | None:
    """From the scan stage's note, which a crash leaves behind: only while its process lives does it hold."""
    running = spool.state_store("scan").read(RUNNING, Running)
    if running and start_ticks(running.pid) == running.start_ticks and spool.is_running("scan"):
        return running.scan_id
    return None
