"""The sender: brings one report to the server, and concludes it when the server has answered.

While one report is under way, the receipt of the one before is written and the body of the next is
made. But a report never goes before the receipt of another one of its place is on disk: after a
crash the older would be sent again, after the newer.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from schemas import codec
from schemas.ids import ScanId
from schemas.receipt import Receipt
from schemas.records import Struct
from schemas.report import ScanStatus
from spool.errors import EntryError, SpoolError
from stages.patchmon import body, key_check, outcome
from stages.patchmon.body import Body
from stages.patchmon.http_worker import HttpWorker
from stages.patchmon.outcome import Accepted, Outcome, Paused, Refused, Temporary
from stages.patchmon.server_access import HttpRequest, ServerAccess, submission
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.runtime.worker import WorkerStoppedError
from stages.ship import filing, receipts
from stages.ship.backlog import Backlog
from stages.ship.delivery_attempt import DeliveryAttempt
from stages.ship.destination import ShipDestination
from stages.ship.order import Superseded, Waiting
from stages.ship.patience import PatientHost
from stages.ship.ship_state import DeliveryState

_TOTAL_S = 60.0
_SLOWEST_BYTES_PER_S = 64 * 1024


def deadline_s(size: int) -> float:
    """Seconds that a request may take in all: a slow line is given time for the body."""
    return _TOTAL_S + size / _SLOWEST_BYTES_PER_S


class _Prepared(Struct, frozen=True):
    """A report in the form in which it is sent."""

    scan_id: ScanId
    profile: str
    """The profile name at the server."""
    status: ScanStatus
    body: Body
    form: tuple[int, bool]


class Sender:
    """Sends reports, and writes their receipts."""

    def __init__(
        self,
        process: Process,
        delivery_state: DeliveryState,
        destination: ShipDestination,
        backlog: Backlog,
    ) -> None:
        self._process = process
        self._delivery_state = delivery_state
        self._destination = destination
        self._backlog = backlog
        self._host = PatientHost(process)
        self._http = HttpWorker(self._host)
        self._attempts: dict[ScanId, DeliveryAttempt] = {}
        self._prepared: _Prepared | None = None
        self._unsettled: set[str] = set()
        """Places of the reports whose receipts are not written yet."""

    @property
    def failures(self) -> dict[ScanId, int]:
        """Reports that keep failing, with the number of consecutive failures."""
        return {
            scan_id: attempt.failures
            for scan_id, attempt in self._attempts.items()
            if attempt.is_stuck
        }

    def warm_up(self) -> None:
        """A report will come soon."""
        self._http.start()

    def supersede(self, scan: Waiting, reason: Superseded) -> None:
        """Conclude a report that need not be sent."""
        profile = filing.name_in(scan.filed_under)
        if profile is None:
            profile = self._long_name(scan)
        self._conclude(
            scan,
            receipts.superseded(scan.scan_id, profile, scan.status, reason, self._process.now()),
        )

    def _long_name(self, scan: Waiting) -> str | None:
        """The name at the server, out of the report; None where that can't be read any more."""
        try:
            header = self._process.spool.reports.header(scan.scan_id)
        except EntryError:
            return None
        return filing.name_at_the_server(scan.scan_id, header.profile, header.status)

    def deliver(self, scan: Waiting, access: ServerAccess) -> bool:
        """Send a report once; whether the next may go at once."""
        attempt = self._attempts.setdefault(scan.scan_id, DeliveryAttempt())
        prepared = self._prepare(scan.scan_id)
        if prepared is None:
            return True
        if filing.place(scan.scan_id, prepared.profile) != scan.filed_under:
            # The report was written again after its header was read.
            self._backlog.read_header_again(scan.scan_id)
            return True
        if len(prepared.body) > self._limit:
            receipt = receipts.too_long(
                scan.scan_id,
                prepared.profile,
                prepared.status,
                prepared.body,
                self._limit,
                self._process.now(),
            )
            self._conclude(scan, receipt)
            return True
        if self._must_settle_before(scan):
            self.settle()
        if self._backlog.overtakes(scan):
            # On the disk before the request: after a crash that leaves no receipt, the older report
            # must not go behind this one, which the server may have.
            self._delivery_state.start_overtaking(scan.filed_under, scan.scan_id)
        result = self._send(scan, prepared, access, attempt)
        if result is None:
            return False
        if outcome.may_be_stored(result):
            self._backlog.may_be_stored(scan)
        elif not self._backlog.is_attempted(scan):
            # The server has it neither from this attempt nor from an earlier one.
            self._delivery_state.end_overtaking(scan.filed_under, scan.scan_id)
        attempt.count(result)
        if isinstance(result, Accepted | Refused):
            self._conclude_answered(scan, prepared, result, attempt)
        self._destination.record(_with_advice(result, scan.scan_id, attempt))
        return isinstance(result, Accepted | Refused)

    def settle(self) -> None:
        """Write the receipts that are still to be written. Raises SpoolError."""
        self._delivery_state.settle()
        self._unsettled.clear()

    def forget_prepared(self) -> None:
        """Reports may be others than before."""
        self._prepared = None

    def forget_attempts(self) -> None:
        """What one server answered, the limit that it showed for instance, is not another's."""
        self._attempts.clear()

    def stop(self) -> None:
        """End the connection and the process that holds it."""
        self._http.stop()

    def _must_settle_before(self, scan: Waiting) -> bool:
        """Also where the last try to write receipts has failed: a full disk must not cost more than
        two deliveries.
        """
        return scan.filed_under in self._unsettled or len(self._delivery_state.kept) > 1

    @property
    def _limit(self) -> int:
        return self._process.settings.delivery.body_limit_kib * 1024

    def _prepare(self, scan_id: ScanId) -> _Prepared | None:
        """The report's body, where it can be read."""
        attempt = self._attempts.get(scan_id, DeliveryAttempt())
        with_hash = attempt.with_hash and self._process.settings.delivery.compliance_hash
        form = (attempt.limit_of(self._limit), with_hash)
        known = self._prepared
        if known is not None and (known.scan_id, known.form) == (scan_id, form):
            return known
        report = self._backlog.read(scan_id)
        if report is None:
            return None
        profile = filing.name_at_the_server(scan_id, report.profile.name, report.status)
        made = body.make(
            report, form[0], filed_under=profile, with_hash=with_hash, agent_version=AGENT_VERSION
        )
        self._prepared = _Prepared(scan_id, profile, report.status, made, form)
        return self._prepared

    def _send(
        self, scan: Waiting, prepared: _Prepared, access: ServerAccess, attempt: DeliveryAttempt
    ) -> Outcome | None:
        """The outcome; None if the stage has to stop before there is an answer."""
        attempt.attempts += 1
        self._destination.sending()
        self._process.log.debug(
            "sending", scan_id=scan.scan_id, bytes=len(prepared.body), attempt=attempt.attempts
        )
        request = submission(scan.scan_id, AGENT_VERSION)
        content = prepared.body.content
        self._host.expect(self._meanwhile(scan))

        def ping(request: HttpRequest, limit_s: float) -> key_check.Answer:
            return self._http.send(access, request, b"", limit_s)

        try:
            answer = self._http.send(access, request, content, deadline_s(len(content)))
            return key_check.conclude(answer, ping, datetime.now(UTC))
        except WorkerStoppedError:
            self._process.log.info(
                "stopped while sending; the report is sent again later", scan_id=scan.scan_id
            )
            return None

    def _meanwhile(self, scan: Waiting) -> Callable[[], None]:
        """What is done while this report is under way."""

        def work() -> None:
            try:
                self.settle()
                following = self._backlog.next(self.failures, besides=(scan.scan_id,))
                if following is not None:
                    self._prepare(following.scan_id)
            except SpoolError:
                # The step at which it is needed meets it again.
                return

        return work

    def _conclude_answered(
        self,
        scan: Waiting,
        prepared: _Prepared,
        result: Accepted | Refused,
        attempt: DeliveryAttempt,
    ) -> None:
        if isinstance(result, Refused) and attempt.change_form(result, prepared.body):
            self._process.log.warning(
                "sending again in another form", scan_id=scan.scan_id, reason=result.message
            )
            return
        if isinstance(result, Accepted):
            for other in self._attempts.values():
                other.another_passed()
        receipt = receipts.answered(
            scan.scan_id,
            prepared.profile,
            prepared.status,
            prepared.body,
            result,
            self._process.now(),
            destination=self._process.settings.server.url,
            attempts=attempt.attempts,
            remarks=attempt.remarks,
        )
        self._conclude(scan, receipt)

    def _conclude(self, scan: Waiting, receipt: Receipt) -> None:
        self._attempts.pop(scan.scan_id, None)
        self._delivery_state.conclude(receipt)
        self._unsettled.add(scan.filed_under)
        self._backlog.conclude(scan.scan_id)


def _with_advice(result: Outcome, scan_id: ScanId, attempt: DeliveryAttempt) -> Outcome:
    """A report at which the server fails, while it takes others, holds up its place: what the
    operator can do.
    """
    if not attempt.others_passed or not isinstance(result, Temporary | Paused):
        return result
    advice = f"compliance-agent hold {scan_id} lets the next of its profile go"
    return codec.replace(result, message=f"{result.message}; at {scan_id} alone: {advice}")
