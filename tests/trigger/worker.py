"""The trigger stage's parts on a spool of their own, with a clock that the test sets."""

from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from schemas.request import Request
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners.settings import check_settings


class At(Process):
    """A process whose clock shows `moment`."""

    moment: datetime
    log_text: StringIO

    def now(self) -> datetime:
        return self.moment

    @property
    def requests(self) -> list[Request]:
        return [self.spool.requests.read(i) for i in self.spool.requests.ids()]


def process_at(moment: datetime, root: Path, **settings: Any) -> At:
    checked, problems = check_settings({"spool": {"path": str(root)}, **settings})
    assert problems == []
    spool = Spool(root)
    spool.claim("trigger")
    log_text = StringIO()
    process = At("trigger", checked, None, spool, Log("trigger", stream=log_text), NoDoorbell())
    process.moment, process.log_text = moment, log_text
    return process
