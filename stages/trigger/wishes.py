"""Wishes become entries before anything else happens: requests and cancellations in the trigger's outbox."""

from datetime import datetime
from hashlib import sha256

from schemas.event import Event
from schemas.ids import ScanId, Scanner, is_scan_id, new_scan_id
from schemas.request import Cancellation, Reason, Request
from spool.layout import new_command_id
from stages.process.process import Process


class Wishes:
    """The one writer of `requests/`, but for what the operator's commands bring."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool

    def scan(self, request: Request) -> bool:
        """Ask for a scan. An id that was asked for before stays as it is: False."""
        if self._spool.requests.has(f"{request.scan_id}.request"):
            return False
        self._spool.requests.write(request.scan_id, "request", request)
        reason = request.reason
        self._process.log.info(
            "scan requested",
            scan_id=request.scan_id,
            by=reason.source,
            profile=request.profile,
            request_id=reason.request_id,
        )
        self._process.ring(Event(name="ScanRequested", scan_id=request.scan_id))
        return True

    def cancel_all(self, reason: Reason) -> tuple[ScanId, ...]:
        """End everything that waits or runs now; later requests are not meant."""
        answered = set(self._spool.raw.names())
        pending = [i for i in self._spool.requests.ids("request") if is_scan_id(i) and i not in answered]
        scan_ids = tuple(ScanId(i) for i in pending)
        if scan_ids:
            self.cancel(new_command_id(reason.at), Cancellation(scan_ids=scan_ids, reason=reason))
        return scan_ids

    def cancel(self, command_id: str, cancellation: Cancellation) -> None:
        self._spool.requests.write(command_id, "cancel", cancellation)
        self._process.log.info(
            "cancellation requested", count=len(cancellation.scan_ids), by=cancellation.reason.source
        )
        self._process.ring(Event(name="CancellationRequested"))


def repeatable_id(scanner: Scanner, at: datetime, *parts: str) -> ScanId:
    """The same id for the same wish: asked for again after a crash, it is one wish still."""
    token = sha256("\0".join((scanner, at.isoformat(), *parts)).encode()).hexdigest()[:8]
    return new_scan_id(scanner, at, token)
