"""The courier: brings one report to the server, and concludes it when the server has spoken."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from schemas.ids import ScanId
from schemas.report import Report
from stages.patchmon import body
from stages.patchmon.body import Body
from stages.patchmon.credentials import Credentials
from stages.patchmon.outcome import (
    Accepted,
    Outcome,
    Paused,
    Refused,
    Temporary,
    is_answer,
    may_be_stored,
)
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION
from stages.ship import receipts
from stages.ship.attempt import Attempt, deadline_s
from stages.ship.delivery_attempt import Case
from stages.ship.destination import Destination
from stages.ship.order import Superseded, profile_key
from stages.ship.ship_state import DeliveryState

if TYPE_CHECKING:
    from stages.patchmon.transport import Transport


class Sender:
    """Sends, and writes receipts."""

    def __init__(
        self,
        process: Process,
        delivery_state: DeliveryState,
        destination: Destination,
        attempted: set[str],
    ) -> None:
        self._process = process
        self._delivery_state = delivery_state
        self._destination = destination
        self._attempted = attempted
        self._cases: dict[ScanId, Case] = {}
        self._transport: Transport | None = None

    @property
    def stuck(self) -> dict[ScanId, int]:
        """Scans of which nothing comes again and again, and how often in a row."""
        return {scan_id: case.failures for scan_id, case in self._cases.items() if case.is_stuck}

    def supersede(self, report: Report, reason: Superseded) -> None:
        """Conclude a report that need not be sent."""
        self._cases.pop(receipts.id_of(report), None)
        self._delivery_state.conclude(
            receipts.unsent(report, "superseded", reason.message, self._process.now(), reason.by)
        )

    def deliver(self, report: Report, credentials: Credentials) -> bool:
        """Send a report once; whether the next may go at once."""
        scan_id = receipts.id_of(report)
        case = self._cases.setdefault(scan_id, Case())
        made = self._make(report, case)
        if len(made) > self._limit:
            message = f"{len(made)} bytes even without texts, the limit is {self._limit} (delivery.body_limit_kib)"
            self._delivery_state.conclude(
                receipts.unsent(report, "refused", message, self._process.now(), body=made)
            )
            return True
        # The mark shows that the disk takes writes, so there will be room for the receipt; and after a crash it
        # says that the server may have this scan.
        was_unknown = self._process.state_store.start_attempt(scan_id) > 0
        self._attempted.add(scan_id)
        outcome = self._send(scan_id, made, credentials, case)
        if outcome is not None:
            if not was_unknown and not may_be_stored(outcome):
                self._process.state_store.end(scan_id)
                self._attempted.discard(scan_id)
            case.on_event(outcome, made)
            self._delivery_state.tried(answered=is_answer(outcome))
            self._settle(report, made, outcome, case)
        self._destination.on_event(_told(outcome, scan_id, case))
        if not isinstance(outcome, Accepted):
            self.rest()
        return isinstance(outcome, Accepted | Refused)

    def rest(self) -> None:
        """Close the connection; the next one resolves the server's name anew."""
        if self._transport:
            self._transport.close()
            self._transport = None

    @property
    def _limit(self) -> int:
        return self._process.settings.delivery.body_limit_kib * 1024

    def _make(self, report: Report, case: Case) -> Body:
        with_hash = case.with_hash and self._process.settings.delivery.compliance_hash
        return body.make(
            report, case.limit_of(self._limit), with_hash=with_hash, agent_version=AGENT_VERSION
        )

    def _send(
        self, scan_id: ScanId, made: Body, credentials: Credentials, case: Case
    ) -> Outcome | None:
        if self._transport is None:
            # Imported at the first delivery: a stage that has nothing to send stays small.
            from stages.patchmon.transport import Transport

            server = self._process.settings.server
            if not server.verify:
                self._process.log.warning(
                    "the server's certificate is not checked: anyone on the way can read and alter what is sent",
                    action="set server.verify: true",
                )
            self._transport = Transport(server)
        case.attempts += 1
        self._destination.sending()
        self._process.log.debug("sending", scan_id=scan_id, bytes=len(made), attempt=case.attempts)
        post = partial(self._transport.post, made.content, credentials, scan_id, AGENT_VERSION)
        outcome = Attempt(self._process, post, self._transport.cut).carry_out(deadline_s(len(made)))
        if outcome is None:
            self._process.log.info(
                "stopped while sending; the scan is sent again later", scan_id=scan_id
            )
        return outcome

    def _settle(self, report: Report, made: Body, outcome: Outcome, case: Case) -> None:
        """Conclude the scan, if the outcome concludes it."""
        if not isinstance(outcome, Accepted | Refused):
            return
        scan_id = receipts.id_of(report)
        if isinstance(outcome, Refused) and case.remedy(outcome, made):
            self._process.log.warning(
                "sending again in another form", scan_id=scan_id, why=outcome.message
            )
            return
        remarks = (
            (*case.remarks, *self._replaced(report))
            if isinstance(outcome, Accepted)
            else case.remarks
        )
        url, now = self._process.settings.server.url, self._process.now()
        del self._cases[scan_id]
        if isinstance(outcome, Accepted):
            for other in self._cases.values():
                other.passed_by = other.is_stuck
        self._delivery_state.conclude(
            receipts.answered(report, made, outcome, now, url, case.attempts, remarks)
        )

    def _replaced(self, report: Report) -> tuple[str, ...]:
        """A failed scan that takes the place of a good one is announced."""
        before = self._delivery_state.accepted.get(
            profile_key(report.profile.name, receipts.id_of(report))
        )
        if (
            report.status == "completed"
            or before is None
            or not before.good
            or before.scan_id == report.scan_id
        ):
            return ()
        return (f"this failed scan replaces the good scan {before.scan_id} at the server",)


def _told(outcome: Outcome | None, scan_id: ScanId, case: Case) -> Outcome | None:
    """A scan that the server fails at, while it takes others, holds up its profile: what the operator can do."""
    if not (case.passed_by and isinstance(outcome, Temporary | Paused)):
        return outcome
    message = f"{outcome.message}; at {scan_id} alone: compliance-agent hold {scan_id} lets the next of its profile go"
    return replace(outcome, message=message)
