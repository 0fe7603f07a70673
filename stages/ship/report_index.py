"""The head of a report: what must be known to put it in order, without reading all of it. Pure.

A report names id, profile and status first. The head is a hint: it is not covered by a digest of its own.
"""

import json
import re
from dataclasses import dataclass

from schemas.report import ScanStatus

BYTES = 4096
_PROFILE = re.compile(r'"profile":(?=\{)')
_STATUS = re.compile(r',"status":"(completed|failed|cancelled|merged)"')
_STATUSES: dict[str, ScanStatus] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "merged": "merged",
}


@dataclass(frozen=True, slots=True)
class ReportHead:
    """What the first bytes of a report say."""

    profile: str
    status: ScanStatus


def read_head(head: bytes) -> ReportHead | None:
    """From the first bytes of a report's entry; None where they do not say it."""
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
    return ReportHead(profile["name"], _STATUSES[status[1]])
