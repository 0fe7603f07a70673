"""What was requested and done during a torture run, for the verdict at its end."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.ids import ScanId


@dataclass
class RunRecord:
    """What was requested and has to be finished, and what was left behind."""

    requested: list[ScanId] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    """Request ids of the server and of request files: each becomes at most one request."""
    replayed: dict[ScanId, datetime] = field(default_factory=dict)
    """When each was last replayed: it has to be finished again."""
    cuts: int = 0
    orphans: list[str] = field(default_factory=list)
    """Processes that outlived the one that had started them."""
