"""Where things lie in a spool, and what they are called. Pure.

commands/ requests/ raw/ reports/ receipts/     outboxes, one writer each
history/BOX/  quarantine/BOX/                   what a box's owner took away
state/STAGE/                                    a stage's own state; no work is lost with it
content/added/ content/server/                  security content beside that of packages
fixes/                                          re-checks and fixes, beside the scans
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from schemas.ids import ScanId, is_scan_id

Box = Literal["commands", "requests", "raw", "reports", "receipts"]
Stage = Literal["trigger", "scan", "parse", "ship"]
Kind = Literal[
    "request",
    "cancel",
    "report",
    "receipt",
    "replay",
    "hold",
    "retry",
    "import",
    "imported",
    "submission",
    "content",
    "recheck",
    "fix",
    "undone",
    "remediation",
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

AGENT_GROUP = "compliance-agent"
"""The group that every stage is in."""
STAGE_USER: Mapping[Stage, str] = {
    "trigger": "compliance-trigger",
    "scan": "root",
    "parse": "compliance-parse",
    "ship": "compliance-ship",
}
"""The system users of the units. A spool may as well belong to one user alone."""


class Place(NamedTuple):
    """A directory of the spool, as the systemd units have it."""

    path: str
    """Below the spool's root, which is the empty path."""
    stage: Stage | None
    """The one stage that writes there; None for directories of root."""
    group: str
    mode: int
    """With setgid where files get the group of the directory, so that its members can read them."""

    @property
    def owner(self) -> str:
        if self.stage is None:
            return "root"
        return STAGE_USER[self.stage]


DIRECTORIES: tuple[Place, ...] = (
    Place("", None, AGENT_GROUP, 0o750),
    Place("history", None, AGENT_GROUP, 0o750),
    Place("quarantine", None, AGENT_GROUP, 0o750),
    Place("state", None, AGENT_GROUP, 0o750),
    # Every stage lists the boxes; an entry is readable by its own group alone.
    Place("commands", None, AGENT_GROUP, 0o2750),
    Place("requests", "trigger", AGENT_GROUP, 0o750),
    Place("raw", "scan", AGENT_GROUP, 0o750),
    Place("reports", "parse", AGENT_GROUP, 0o750),
    Place("receipts", "ship", AGENT_GROUP, 0o750),
    Place("history/commands", None, AGENT_GROUP, 0o750),
    Place("history/requests", "trigger", AGENT_GROUP, 0o750),
    Place("history/raw", "scan", AGENT_GROUP, 0o750),
    Place("history/reports", "parse", AGENT_GROUP, 0o750),
    Place("history/receipts", "ship", AGENT_GROUP, 0o750),
    Place("quarantine/commands", None, AGENT_GROUP, 0o750),
    Place("quarantine/requests", "trigger", AGENT_GROUP, 0o750),
    Place("quarantine/raw", "scan", AGENT_GROUP, 0o750),
    Place("quarantine/reports", "parse", AGENT_GROUP, 0o750),
    Place("quarantine/receipts", "ship", AGENT_GROUP, 0o750),
    # The stage before reads what is damaged, and trigger what scan has detected. The metrics, which
    # ship writes, include whether trigger is connected.
    Place("state/trigger", "trigger", "compliance-ship", 0o2750),
    Place("state/scan", "scan", "compliance-trigger", 0o2750),
    Place("state/parse", "parse", "compliance-raw", 0o2750),
    Place("state/ship", "ship", "compliance-reports", 0o2750),
    Place("content", None, AGENT_GROUP, 0o750),
    # Root adds content here, and trigger keeps the server's there; scan uses both.
    Place("content/added", None, AGENT_GROUP, 0o750),
    Place("content/server", "trigger", AGENT_GROUP, 0o750),
    # Root keeps the outcomes of re-checks and fixes there; the stages read them.
    Place("fixes", None, AGENT_GROUP, 0o2750),
)
"""All directories of a spool, parents first. systemd/compliance-agent.tmpfiles.conf is the same."""

MANIFEST = "manifest"
LOCK = ".lock"
"""The name of a stage's lock in its state."""
BUNDLE = "bundle"
"""The end of the name of a bundle, which lies beside the import or submission of the same id."""
_ENDS = frozenset({"", *(f".{kind}" for kind in (*KINDS, BUNDLE))})
"""What follows the id in the name of an entry; raw entries have nothing there."""
_COMMAND_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_ARCHIVED = re.compile(r"(?P<name>[^~]+)~(?P<why>[0-9TZ]+-[0-9a-f]{8})")


def new_command_id(at: datetime) -> str:
    """A name for a command given at `at` (aware); sorts by time."""
    import secrets  # slow to import, and needed only to give a command

    return f"{command_time(at)}-{secrets.token_hex(4)}"


def command_time(at: datetime) -> str:
    """The beginning of the names of commands that are given at `at` (aware)."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def is_command_id(name: str) -> bool:
    return _COMMAND_ID.fullmatch(name) is not None


def entry_name(entry_id: str, kind: Kind) -> str:
    return f"{entry_id}.{kind}"


def parse_name(name: str) -> tuple[str, Kind] | None:
    """The id and kind of an entry's file name; None for a name that is not ours."""
    entry_id, _, kind = name.rpartition(".")
    if kind in KINDS and _is_entry_id(entry_id):
        return entry_id, kind
    return None


def _is_entry_id(text: str) -> bool:
    return is_scan_id(text) or is_command_id(text)


def is_entry_name(name: str) -> bool:
    """Whether a file or directory of this name is an entry of some box, or a bundle beside one."""
    entry_id, _, _ = name.partition(".")
    return name.removeprefix(entry_id) in _ENDS and _is_entry_id(entry_id)


def bundle_name(entry_id: str) -> str:
    return f"{entry_id}.{BUNDLE}"


def bundle_id(name: str) -> str | None:
    """The command id or scan id of a bundle's file name; None for any other name."""
    entry_id, _, end = name.rpartition(".")
    if end == BUNDLE and _is_entry_id(entry_id):
        return entry_id
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
    if match is None:
        return None
    return match["name"], match["why"]


def scan_id_of(name: str) -> ScanId | None:
    """The scan id of an entry name of any box; None for a command's and for a foreign name."""
    entry_id, _, _ = name.partition(".")
    if is_scan_id(entry_id) and is_entry_name(name):
        return ScanId(entry_id)
    return None
