"""Why scans are not done yet, at one moment, from what lies in the spool."""

from datetime import datetime

from schemas.ids import ScanId
from spool.layout import STAGES
from spool.spool import Spool
from stages.console import states
from stages.console.delivery.reasons import Reasons
from stages.scan import free_space


class Waiting:
    """The reasons, for any number of scans."""

    def __init__(self, spool: Spool, boxes: states.Boxes, now: datetime, min_free_mib: int) -> None:
        self._boxes = boxes
        self._no_room = free_space.why_none(spool.root, min_free_mib)
        self._delivery = Reasons(spool, boxes, now)
        self._stopped = {stage for stage in STAGES if not spool.is_running(stage)}

    def why(self, scan_id: ScanId) -> str | None:
        """Why this scan waits, and what to do; None where it is done, or on its way."""
        state = self._boxes.state(scan_id)
        stage = states.TURN.get(state)
        # Where a report waits, the delivery knows more.
        if stage != "ship" and stage in self._stopped:
            return (
                f"the {stage} stage does not run: start it (compliance-agent run, or the service)"
            )
        if state == "waiting" and self._boxes.scanning:
            return f"one scan at a time: {self._boxes.scanning} runs"
        if self._no_room and state in ("asked", "waiting"):
            return self._no_room
        return self._delivery.of(scan_id)
