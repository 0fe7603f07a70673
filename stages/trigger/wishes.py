"""Wishes become entries before anything else happens: requests and cancellations in the trigger's outbox.

An entry's id tells when the wish was taken up, also where a scan was due long before: everyone behind takes the
later id for the newer scan.
"""

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

    def scan(
        self,
        scanner: Scanner,
        profile: str | None,
        reason: Reason,
        *,
        token: str | None = None,
        remediate: bool = False,
        rule: str | None = None,
    ) -> None:
        """Ask for a scan. A wish with a token is asked for once, however often it comes."""
        if token and self._asked_before(f"-{scanner}-{token}"):
            return
        request = Request(
            scan_id=new_scan_id(scanner, reason.at, token),
            scanner=scanner,
            profile=profile,
            reason=reason,
            remediate=remediate,
            rule=rule,
        )
        self._spool.requests.write(request.scan_id, "request", request)
        self._process.log.info(
            "scan requested",
            scan_id=request.scan_id,
            by=reason.source,
            profile=profile,
            request_id=reason.request_id,
        )
        self._process.ring(Event(name="ScanRequested", scan_id=request.scan_id))

    def cancel_all(self, reason: Reason) -> None:
        """End everything that waits or runs now; later requests are not meant."""
        answered = set(self._spool.raw.names())
        pending = [i for i in self._spool.requests.ids("request") if is_scan_id(i) and i not in answered]
        if not pending:
            self._process.log.info("nothing to cancel", by=reason.source)
            return
        cancellation = Cancellation(scan_ids=tuple(ScanId(i) for i in pending), reason=reason)
        self._spool.requests.write(new_command_id(reason.at), "cancel", cancellation)
        self._process.log.info("cancellation requested", count=len(pending), by=reason.source)
        self._process.ring(Event(name="CancellationRequested"))

    def _asked_before(self, ending: str) -> bool:
        return any(entry_id.endswith(ending) for entry_id in self._spool.requests.ids("request"))


def token_of(*parts: str) -> str:
    """The same eight hex digits for the same wish."""
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]
