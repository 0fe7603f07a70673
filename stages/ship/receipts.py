"""The receipts of reports. Pure."""

from datetime import datetime

from schemas.ids import ScanId
from schemas.receipt import Answer, Receipt
from schemas.report import Report
from stages.patchmon.body import Body
from stages.patchmon.outcome import Accepted, Refused


def unsent(
    report: Report,
    answer: Answer,
    message: str,
    at: datetime,
    by: ScanId | None = None,
    body: Body | None = None,
) -> Receipt:
    """The receipt of a report that was concluded without the server."""
    return Receipt(
        scan_id=id_of(report),
        answer=answer,
        at=at,
        profile=report.profile.name,
        scan_status=report.status,
        message=message,
        superseded_by=by,
        left_out=body.left_out if body else (),
    )


def answered(
    report: Report,
    body: Body,
    outcome: Accepted | Refused,
    at: datetime,
    destination: str | None,
    attempts: int,
    remarks: tuple[str, ...],
) -> Receipt:
    """The receipt of a report on which the server has spoken."""
    accepted = isinstance(outcome, Accepted)
    return Receipt(
        scan_id=id_of(report),
        answer="accepted" if accepted else "refused",
        at=at,
        profile=report.profile.name,
        scan_status=report.status,
        destination=destination,
        status_code=outcome.status,
        message=outcome.message,
        server_scan_id=outcome.server_scan_id if isinstance(outcome, Accepted) else None,
        attempts=attempts,
        sent_bytes=len(body),
        left_out=body.left_out,
        remarks=remarks,
    )


def id_of(report: Report) -> ScanId:
    if report.scan_id is None:
        raise ValueError("a report in the spool has a scan id")
    return report.scan_id
