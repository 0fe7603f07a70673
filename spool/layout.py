"""Where things lie in a spool, and what they are called. Pure.

commands/ requests/ raw/ reports/ receipts/     outboxes, one writer each
drop/                                           request files of an operator, read by trigger
history/BOX/  quarantine/BOX/                   what a box's owner took away
state/STAGE/                                    a stage's notes to itself; losing them loses no work
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, get_args

from schemas.ids import ScanId, is_scan_id

Box = Literal["commands", "requests", "raw", "reports", "receipts"]
Stage = Literal["trigger", "scan", "parse", "ship"]
Kind = Literal[
    "request", "cancel", "report", "receipt", "replay", "hold", "retry", "import", "imported"
]

BOXES: tuple[Box, ...] = get_args(Box)
STAGES: tuple[Stage, ...] = get_args(Stage)
KINDS: tuple[Kind, ...] = get_args(Kind)

OUTBOX: Mapping[Stage, Box] = {
    "trigger": "requests",
    "scan": "raw",
    "parse": "reports",
    "ship": "receipts",
}
UPSTREAM: Mapping[Stage, Box] = {
    "trigger": "commands",
    "scan": "requests",
    "parse": "raw",
    "ship": "reports",
}
READER: Mapping[Box, Stage] = {box: stage for stage, box in UPSTREAM.items()}
"""Who reads a box, and so who finds out that an entry of it is damaged."""

MANIFEST = "manifest"
BUNDLE = "bundle"
"""The end of the name of a bundle, which lies beside the import of the same id."""
_COMMAND_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_ARCHIVED = re.compile(r"(?P<name>[^~]+)~(?P<why>[0-9TZ]+-[0-9a-f]{8})")


def new_command_id(at: datetime) -> str:
    """A name for a command given at `at` (aware); sorts by time."""
    import secrets  # only who gives a command needs it, and it is slow to import

    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def is_command_id(name: str) -> bool:
    return _COMMAND_ID.fullmatch(name) is not None


def entry_name(entry_id: str, kind: Kind) -> str:
    return f"{entry_id}.{kind}"


def parse_name(name: str) -> tuple[str, Kind] | None:
    """The id and kind of an entry's file name; None for a name that is not ours."""
    entry_id, dot, kind = name.rpartition(".")
    if not dot or kind not in KINDS:
        return None
    if not (is_scan_id(entry_id) or _COMMAND_ID.fullmatch(entry_id)):
        return None
    return entry_id, kind


def bundle_name(command_id: str) -> str:
    return f"{command_id}.{BUNDLE}"


def bundle_id(name: str) -> str | None:
    """The command id of a bundle's file name; None for any other name."""
    command_id, _, end = name.rpartition(".")
    if end == BUNDLE and is_command_id(command_id):
        return command_id
    return None


def is_hidden(name: str) -> bool:
    """Dot names are being written, or what a crash left of that."""
    return name.startswith(".")


def archived_name(name: str, why: str) -> str:
    """The name under which an entry is kept after it was taken away for `why` (a command id)."""
    return f"{name}~{why}"


def split_archived_name(kept: str) -> tuple[str, str] | None:
    """The entry's name and the command id of a name in `history/` or `quarantine/`; None for a
    foreign one.
    """
    match = _ARCHIVED.fullmatch(kept)
    return (match["name"], match["why"]) if match else None


def scan_id_of(name: str) -> ScanId | None:
    """The scan id of an entry name of any box; None for a command's and for a foreign name."""
    if is_scan_id(name):
        return ScanId(name)
    parsed = parse_name(name)
    return ScanId(parsed[0]) if parsed and is_scan_id(parsed[0]) else None
