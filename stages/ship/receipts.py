"""The receipts of reports. Pure."""

from datetime import datetime

from schemas.ids import ScanId
from schemas.receipt import Answer, Receipt
from schemas.report import ScanStatus
from stages.patchmon.body import Body
from stages.patchmon.outcome import Accepted, Refused
from stages.ship.order import Superseded


def superseded(
    scan_id: ScanId,
    profile: str | None,
    status: ScanStatus,
    reason: Superseded,
    at: datetime,
) -> Receipt:
    """The receipt of a report that need not be sent."""
    return Receipt(
        scan_id=scan_id,
        answer="superseded",
        at=at,
        profile=profile,
        scan_status=status,
        message=reason.message,
        superseded_by=reason.by,
    )


def too_long(
    scan_id: ScanId, profile: str, status: ScanStatus, body: Body, limit: int, at: datetime
) -> Receipt:
    """The receipt of a report that does not fit into the configured limit, whatever is left out."""
    return Receipt(
        scan_id=scan_id,
        answer="refused",
        at=at,
        profile=profile,
        scan_status=status,
        message=(
            f"{len(body)} bytes even without texts, the limit is {limit} (delivery.body_limit_kib)"
        ),
        left_out=body.left_out,
    )


def answered(
    scan_id: ScanId,
    profile: str,
    status: ScanStatus,
    body: Body,
    outcome: Accepted | Refused,
    at: datetime,
    *,
    destination: str | None,
    attempts: int,
    remarks: tuple[str, ...],
) -> Receipt:
    """The receipt of a report that the server has accepted or refused."""
    answer: Answer = "refused"
    server_scan_id = None
    if isinstance(outcome, Accepted):
        answer, server_scan_id = "accepted", outcome.server_scan_id
    return Receipt(
        scan_id=scan_id,
        answer=answer,
        at=at,
        profile=profile,
        scan_status=status,
        destination=destination,
        status_code=outcome.status,
        message=outcome.message,
        server_scan_id=server_scan_id,
        attempts=attempts,
        sent_bytes=len(body),
        left_out=body.left_out,
        remarks=remarks,
    )
