"""The JSON Schemas of everything that lies in the spool or is read from outside; made from the records.

`python -m schemas.published` writes `schemas/json/NAME.schema.json` anew; a test holds the files to the records.
"""

from pathlib import Path

from schemas import codec
from schemas.bundle import Bundle
from schemas.capabilities import ComplianceCapabilities, Detected
from schemas.command import Hold, Replay, Retry
from schemas.destination import Destination
from schemas.event import Event
from schemas.manifest import Manifest
from schemas.receipt import Receipt
from schemas.records import Record
from schemas.report import Report
from schemas.request import Cancellation, Request
from schemas.settings import Settings

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
    "destination": Destination,
    "bundle": Bundle,
    "event": Event,
    "capabilities": ComplianceCapabilities,
    "detected": Detected,
    "settings": Settings,
}


def texts() -> dict[str, str]:
    """File name to content, of all schemas."""
    return {
        f"{name}.schema.json": codec.pretty(
            {"$id": f"{name}.schema.json", **codec.json_schema(record)}
        )
        + "\n"
        for name, record in PUBLISHED.items()
    }


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for name, text in texts().items():
        (DIRECTORY / name).write_text(text)
