"""Why reports are pending: collects from the spool what the reason depends on."""

from datetime import datetime

from schemas.destination import DESTINATION_STATE, Destination
from schemas.ids import ScanId
from spool.errors import EntryError
from spool.layout import entry_name
from spool.spool import Spool
from stages.console import scan_states
from stages.ship.waiting import Facts, why_waiting


class DeliveryReasons:
    """The reasons at one moment, for any number of scans."""

    def __init__(self, spool: Spool, boxes: scan_states.Boxes, now: datetime) -> None:
        self._spool = spool
        self._boxes = boxes
        self._now = now
        self._running = spool.is_running("ship")
        self._destination = spool.state_store("ship").read(DESTINATION_STATE, Destination)
        self._damaged = spool.state_store("ship").damaged()
        queue = [i for i in boxes.waiting_for("ship") if boxes.state(i) != "held"]
        self._ahead = {scan_id: place for place, scan_id in enumerate(queue)}

    def reason(self, scan_id: ScanId) -> str:
        """Why this report is not delivered yet."""
        facts = Facts(
            held=self._boxes.state(scan_id) == "held",
            hold_reason=self._hold_reason(scan_id),
            running=self._running,
            ahead=self._ahead.get(scan_id, 0),
            damaged=self._damaged.get(entry_name(scan_id, "report")),
        )
        return why_waiting(facts, self._destination, self._now)

    def _hold_reason(self, scan_id: ScanId) -> str | None:
        try:
            return self._spool.commands.holds.read(scan_id).reason
        except EntryError:
            return None
