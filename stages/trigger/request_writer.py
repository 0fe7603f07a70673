"""Writes requests and cancellations as entries of the trigger's outbox.

The id of a request contains the time at which it was made, also if the scan was due long before:
for the other stages, the later id is the newer scan.
"""

from hashlib import sha256

from schemas.event import Event
from schemas.ids import ScanId, Scanner, scanner_of
from schemas.planned_scan import PlannedScan
from schemas.request import Cancellation, Reason, Refusal, Request
from spool.errors import EntryError
from spool.layout import new_command_id
from stages.runtime.process import Process


class RequestWriter:
    """Writes all of `requests/` except the copies of the operator's commands."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spool = process.spool
        self._newest_made: ScanId | None = None
        self._cancelled: set[str] = set()

    def planned(self, scanner: Scanner, scan: PlannedScan, reason: Reason, token: str) -> None:
        """Request a scan of the settings, once for a token. The only one of its section needs no
        name: the settings decide when it runs."""
        if self._is_written(scanner, token):
            return
        if not scan.key:
            scan = PlannedScan()
        request = self.make(
            scanner,
            scan.profile,
            reason,
            token=token,
            tailoring=scan.tailoring,
            content=scan.content,
        )
        self.write(request)

    def make(
        self,
        scanner: Scanner,
        profile: str | tuple[str, ...] | None,
        reason: Reason,
        *,
        token: str | None = None,
        tailoring: str | None = None,
        content: str | None = None,
        fetch_remote: bool = False,
        refusal: Refusal | None = None,
    ) -> Request:
        """A request that is not written yet. Raises QuotaError, StorageError.

        Keep it to write it again, under the same id, if the disk does not take it now.
        """
        ending = None
        if token is not None:
            ending = token[:4]
        # The spool does not list a request that is made and not written yet.
        scan_id = self._spool.next_scan_id(
            scanner, reason.at, made=self._newest_made, ending=ending
        )
        self._newest_made = scan_id
        return Request(
            scan_id=scan_id,
            scanner=scanner,
            profile=profile,
            tailoring=tailoring,
            content=content,
            reason=reason,
            fetch_remote=fetch_remote,
            token=token,
            refusal=refusal,
        )

    def write(self, request: Request) -> None:
        """Write a request. A request that is there already is not changed."""
        self._spool.requests.write(request)
        self._process.log.info(
            "scan requested",
            scan_id=request.scan_id,
            by=request.reason.source,
            profile=request.profile_text,
            request_id=request.reason.request_id,
        )
        self._process.publish(Event(name="ScanRequested", scan_id=request.scan_id))

    def cancel_all(self, reason: Reason) -> None:
        """Cancel everything that waits or runs now, but no later request."""
        pending = self._spool.pending("scan")
        if not set(pending) - self._cancelled:
            self._process.log.info("nothing to cancel", by=reason.source)
            return
        cancellation = Cancellation(scan_ids=tuple(pending), reason=reason)
        self._spool.requests.cancellations.write(new_command_id(reason.at), cancellation)
        self._cancelled = set(pending)
        self._process.log.info("cancellation requested", count=len(pending), by=reason.source)
        self._process.publish(Event(name="CancellationRequested"))

    def _is_written(self, scanner: Scanner, token: str) -> bool:
        """Whether a request with this token is there.

        Its id ends with the first digits of the token, so few requests have to be read.
        """
        for scan_id in self._spool.requests.ids():
            is_candidate = scan_id.endswith(token[:4]) and scanner_of(scan_id) == scanner
            if is_candidate and self._token(scan_id) == token:
                return True
        return False

    def _token(self, scan_id: ScanId) -> str | None:
        try:
            return self._spool.requests.read(scan_id).token
        except EntryError:
            return None


def token_of(*parts: str) -> str:
    """The same eight hex digits for the same request."""
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]
