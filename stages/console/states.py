"""The state of a scan: which entries exist. Reads names only, so it works while no stage runs."""

from dataclasses import dataclass
from typing import Literal

from schemas.ids import ScanId, age, is_scan_id
from spool.spool import Spool

State = Literal["asked", "waiting", "to be parsed", "to be shipped", "done", "held"]


@dataclass(frozen=True)
class Boxes:
    """The ids in every box at one moment."""

    commands: frozenset[str]
    requests: frozenset[str]
    raw: frozenset[str]
    reports: frozenset[str]
    receipts: frozenset[str]
    holds: frozenset[str]

    @property
    def scan_ids(self) -> list[ScanId]:
        every = self.commands | self.requests | self.raw | self.reports | self.receipts
        return [ScanId(i) for i in sorted(every, key=age) if is_scan_id(i)]

    def state(self, scan_id: ScanId) -> State:
        """The furthest box that has it decides."""
        if scan_id in self.receipts:
            return "done"
        if scan_id in self.reports:
            return "held" if scan_id in self.holds else "to be shipped"
        if scan_id in self.raw:
            return "to be parsed"
        return "waiting" if scan_id in self.requests else "asked"

    @property
    def pending(self) -> list[ScanId]:
        return [i for i in self.scan_ids if i not in self.receipts]


def look(spool: Spool) -> Boxes:
    """The boxes now. Read from the front, so a scan on its way is seen at least once."""
    return Boxes(
        commands=frozenset(spool.commands.ids("request")),
        requests=frozenset(spool.requests.ids("request")),
        raw=frozenset(spool.raw.scan_ids()),
        reports=frozenset(spool.reports.ids("report")),
        receipts=frozenset(spool.receipts.ids("receipt")),
        holds=frozenset(spool.commands.ids("hold")),
    )
