"""What a torture has requested, and so has to find done at its end."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.ids import ScanId


@dataclass
class Ledger:
    """What was requested, and so has to come to an end."""

    requested: list[ScanId] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    """Request ids of the server and of request files: each becomes at most one request."""
    replayed: dict[ScanId, datetime] = field(default_factory=dict)
    """When each was last replayed: it has to come to an end again."""
    cuts: int = 0
    orphans: list[str] = field(default_factory=list)
    """Processes that outlived the one that had started them."""
