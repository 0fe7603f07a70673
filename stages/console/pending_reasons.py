"""Why scans are not done yet: at one moment, from what is in the spool."""

from datetime import datetime

from schemas.ids import ScanId
from spool.layout import STAGES, Stage
from stages.console import scan_states
from stages.console.context import Context
from stages.console.delivery.delivery_reasons import DeliveryReasons
from stages.console.disk_trouble import stage_troubles
from stages.scan import free_space
from stages.ship.waiting import why_stopped


class PendingReasons:
    """The reasons, for any number of scans."""

    def __init__(self, context: Context, boxes: scan_states.Boxes, now: datetime) -> None:
        spool = context.spool
        self._boxes = boxes
        self._troubles = stage_troubles(context.runtime)
        self._no_space = free_space.why_scans_wait(
            spool.raw.path, context.settings.spool.min_free_mib
        )
        self._delivery = DeliveryReasons(spool, boxes, now)
        self._stopped = {stage for stage in STAGES if not spool.is_running(stage)}
        self._set_aside: dict[str, str] = {}
        """By scan or command id, why its entry is set aside."""
        self._newer: dict[str, str] = {}
        """The same, where it stays for another version."""
        for stage in STAGES:
            for name, why in spool.state_store(stage).newer().items():
                self._newer[name.partition(".")[0]] = why
            for name, why in spool.state_store(stage).unreadable().items():
                self._set_aside[name.partition(".")[0]] = why

    def reason(self, scan_id: ScanId) -> str | None:
        """Why this scan is pending, and what to do; None where it is done or being worked on."""
        stage = self._boxes.next_stage(scan_id)
        if stage is None:
            return None
        if scan_id in self._set_aside:
            return f"set aside: {self._set_aside[scan_id]}; it is tried again every minute"
        if scan_id in self._newer:
            return self._newer[scan_id]
        if stage == "ship":
            return self._delivery.reason(scan_id)
        reason = self._reason_of_stage(stage, scan_id)
        if reason is None and self._boxes.state(scan_id) == "requested":
            return self._no_space
        return reason

    def _reason_of_stage(self, stage: Stage, scan_id: ScanId) -> str | None:
        """Why a stage handles nothing now, or not this scan."""
        if stage in self._stopped:
            return why_stopped(stage)
        if stage == "scan" and self._boxes.scanning not in (None, scan_id):
            return f"one scan at a time: {self._boxes.scanning} is running"
        return self._troubles.get(stage)
