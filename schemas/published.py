"""The JSON Schemas of everything that is in the spool or read from outside; generated from the
records.

`python -m schemas.published` writes `schemas/json/NAME.schema.json`, except for the records that
depend on the scanners (`python -m stages.scanners.published`); a test compares the files with the
records.
"""

from collections.abc import Mapping
from pathlib import Path

from schemas import codec
from schemas.bundle import Bundle
from schemas.capabilities import Detected
from schemas.command import Hold, Import, Imported, Replay, Retry, Submission
from schemas.content import ContentCommand, FetchState, ListedContent, StoredContent
from schemas.destination import Destination
from schemas.event import Event
from schemas.fixes import FixRun, Recheck, Remediation, Undone
from schemas.manifest import Manifest
from schemas.notice import Notice
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report
from schemas.request import Cancellation, Request

DIRECTORY = Path(__file__).parent / "json"
PUBLISHED: dict[str, type[Record]] = {
    "request": Request,
    "cancellation": Cancellation,
    "manifest": Manifest,
    "report": Report,
    "receipt": Receipt,
    "replay": Replay,
    "hold": Hold,
    "retry": Retry,
    "import": Import,
    "imported": Imported,
    "submission": Submission,
    "content-command": ContentCommand,
    "stored-content": StoredContent,
    "fetched-content": FetchState,
    "listed-content": ListedContent,
    "destination": Destination,
    "bundle": Bundle,
    "event": Event,
    "detected": Detected,
    "notice": Notice,
    "recheck": Recheck,
    "fix": FixRun,
    "undone": Undone,
    "remediation": Remediation,
}


def texts(records: Mapping[str, type[Record]] = PUBLISHED) -> dict[str, str]:
    """File name to content, of the schemas of these records."""
    return {
        f"{name}.schema.json": codec.pretty(
            {"$id": f"{name}.schema.json", **codec.json_schema(record)}
        )
        + "\n"
        for name, record in records.items()
    }


def write(schemas: Mapping[str, str]) -> None:
    """Write the files of these schemas."""
    DIRECTORY.mkdir(exist_ok=True)
    for name, text in schemas.items():
        (DIRECTORY / name).write_text(text)


if __name__ == "__main__":
    write(texts())
