"""Requests and cancellations become entries in the trigger's outbox before anything else happens.

The id of a request carries the time at which it was made, also where a scan was due long before:
the other stages take the later id for the newer scan.
"""

from hashlib import sha256

from schemas.event import Event
from schemas.ids import ScanId, Scanner, next_scan_id
from schemas.request import Cancellation, Reason, Request
from spool.errors import EntryError
from spool.layout import new_command_id
from stages.runtime.process import Process


class RequestWriter:
    """The one writer of `requests/`, but for what the operator's commands bring."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._newest_made: ScanId | None = None
        self._cancelled: set[str] = set()

    def scan(
        self, scanner: Scanner, profile: str | None, reason: Reason, *, token: str | None = None
    ) -> None:
        """Request a scan. A request with a token is made once, however often it comes."""
        if token is None or not self._asked_before(scanner, token):
            self.write(self.make(scanner, profile, reason, token=token))

    def make(
        self,
        scanner: Scanner,
        profile: str | None,
        reason: Reason,
        *,
        token: str | None = None,
        remediate: bool = False,
        rule: str | None = None,
    ) -> Request:
        """A request that is not written yet. Keep it to write it again after trouble, under the
        same id.
        """
        newest = self._spool.newest_scan_id()
        if self._newest_made and (newest is None or self._newest_made > newest):
            newest = self._newest_made
        scan_id = next_scan_id(scanner, reason.at, newest, token and token[:4])
        self._newest_made = scan_id
        return Request(
            scan_id=scan_id,
            scanner=scanner,
            profile=profile,
            reason=reason,
            remediate=remediate,
            rule=rule,
            token=token,
        )

    def write(self, request: Request) -> None:
        """Ask. Nothing happens where this very request is there."""
        self._spool.requests.write(request)
        self._process.log.info(
            "scan requested",
            scan_id=request.scan_id,
            by=request.reason.source,
            profile=request.profile,
            request_id=request.reason.request_id,
        )
        self._process.publish(Event(name="ScanRequested", scan_id=request.scan_id))

    def cancel_all(self, reason: Reason) -> None:
        """End everything that waits or runs now; later requests are not meant."""
        pending = self._spool.pending("scan")
        if not set(pending) - self._cancelled:
            self._process.log.info("nothing to cancel", by=reason.source)
            return
        cancellation = Cancellation(scan_ids=tuple(pending), reason=reason)
        self._spool.requests.cancellations.write(new_command_id(reason.at), cancellation)
        self._cancelled = set(pending)
        self._process.log.info("cancellation requested", count=len(pending), by=reason.source)
        self._process.publish(Event(name="CancellationRequested"))

    def _asked_before(self, scanner: Scanner, token: str) -> bool:
        """The end of an id is a hint, the request itself is the proof."""
        for entry_id in self._spool.requests.ids():
            if entry_id.endswith(token[:4]) and f"-{scanner}-" in entry_id:
                try:
                    if self._spool.requests.read(entry_id).token == token:
                        return True
                except EntryError:
                    continue
        return False


def token_of(*parts: str) -> str:
    """The same eight hex digits for the same request."""
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]
