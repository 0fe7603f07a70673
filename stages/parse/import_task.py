"""What the parse stage hands to the worker process that takes a bundle in."""

from datetime import datetime

from schemas.records import Record

TAKE_IN = "stages.parse.import_worker:take_in"


class ImportTask(Record, frozen=True, kw_only=True):
    """Which import to carry out."""

    spool: str
    command_id: str
    at: datetime
