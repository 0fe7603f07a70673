"""What the ship stage and the worker that gives notice pass to each other."""

from typing import Literal

from schemas.ids import ScanId
from schemas.notice import NoticeEvent
from schemas.records import Record

SEND_NOTICE = "stages.ship.notice_worker:send_notice"

NoticeSubject = Literal["report", "receipt", "destination"]


class NoticeTask(Record, frozen=True, kw_only=True):
    """What may be worth a notice: a new report, a new receipt, or the state of the server."""

    spool: str
    about: NoticeSubject
    scan_id: ScanId | None
    host: str
    command: tuple[str, ...]
    events: tuple[NoticeEvent, ...]
    time_limit_s: int


class NoticeOutcome(Record, frozen=True, kw_only=True):
    """No event: there was nothing to give notice of."""

    event: NoticeEvent | None = None
    problem: str | None = None
