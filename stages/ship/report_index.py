"""The head of a report: what must be known to put it in order, without reading all of it. Pure.

A report names id, profile and status first. The head is a hint: it is not covered by a digest of its own, and what
it leads to is decided again on the whole report.
"""

import json
import re

from schemas.ids import ScanId
from schemas.report import ScanStatus
from stages.ship.order import Waiting, profile_key

BYTES = 4096
_PROFILE = re.compile(r'"profile":(?=\{)')
_STATUS = re.compile(r',"status":"(completed|failed|cancelled|merged)"')
_STATUSES: dict[str, ScanStatus] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "merged": "merged",
}


def read_head(scan_id: ScanId, head: bytes) -> Waiting | None:
    """What the first bytes of a report's entry say; None where they do not say it."""
    text = head.decode("utf-8", "ignore")
    start = _PROFILE.search(text)
    if start is None:
        return None
    try:
        profile, end = json.JSONDecoder().raw_decode(text, start.end())
    except (ValueError, RecursionError):
        return None
    status = _STATUS.match(text, end)
    if status is None or not isinstance(profile.get("name"), str):
        return None
    return Waiting(scan_id, profile_key(profile["name"], scan_id), _STATUSES[status[1]])
