"""Which report goes next, and which need not be sent at all. Pure.

What the server files under one name replaces what it had there, whatever its date. So the reports
of one name go oldest first, and an older one is never sent after a newer one that the server took
or may have taken, unless the operator forces it. The names take turns: thousands of reports of one
do not hold up another. A completed scan is filed under the name of its profile, a failed or
cancelled one under the generic name of its scanner: a failure replaces no good result and has no
part in the order of its profile.

Example: of CIS 1 and 2 are waiting, CIS 3 was accepted. 1 and 2 are superseded by 3. A failed scan
2 of CIS is not: it goes, because it is filed elsewhere.
"""

from collections.abc import Collection, Iterable, Mapping

from schemas.ids import ScanId
from schemas.records import Struct, field
from schemas.report import ScanStatus
from schemas.settings import DeliverySettings


class Waiting(Struct, frozen=True):
    """What the order of a report depends on."""

    scan_id: ScanId
    filed_under: str
    """The scanner, and the name under which the server files it."""
    status: ScanStatus
    answered_by: ScanId | None = None


class Superseded(Struct, frozen=True):
    """The report need not be sent."""

    message: str
    by: ScanId | None = None


class Constraints(Struct, frozen=True, kw_only=True):
    """What keeps reports from being sent now."""

    stopped: Collection[str] = ()
    """Held by the operator, or damaged."""
    forced: Collection[str] = ()
    """Sent even if the server has a newer one."""
    attempted: Mapping[str, ScanId] = field(default_factory=dict)
    """By name, the newest report that the server may have: its outcome is not known."""
    newest: Mapping[str, ScanId] | None = None
    """By name, the only report that is sent of it; None where all are (`delivery.backlog`)."""

    def allow(self, scan: Waiting) -> bool:
        if scan.status == "merged" or scan.scan_id in self.stopped:
            return False
        if scan.scan_id in self.forced:
            return True
        if scan.scan_id < self.attempted.get(scan.filed_under, ""):
            return False
        return self.newest is None or self.newest.get(scan.filed_under) == scan.scan_id


def superseded(
    scan: Waiting, accepted: str | None, delivery: DeliverySettings, *, forced: bool
) -> Superseded | None:
    """Why the report need not be sent; `accepted`: the newest of its name that the server took."""
    if scan.status == "merged":
        return Superseded(f"answered by {scan.answered_by}", scan.answered_by)
    if forced:
        return None
    if scan.status != "completed" and not delivery.send_failed:
        return Superseded("failed scans are not sent (delivery.send_failed: false)")
    if accepted is not None and accepted > scan.scan_id:
        newer = ScanId(accepted)
        return Superseded(f"the server has a newer scan of this profile, {newer}", newer)
    return None


def next_to_send(
    scans: Iterable[Waiting], constraints: Constraints, failures: Mapping[ScanId, int]
) -> Waiting | None:
    """The first that may go; `scans` of one name oldest first.

    `failures`: reports of which nothing came again and again. Perhaps the server fails at such a
    report alone, so the other names do not wait for it; where that is so of the first of every
    name, the one with the fewest failures goes.
    """
    stuck: dict[str, Waiting] = {}
    for scan in scans:
        if scan.filed_under in stuck or not constraints.allow(scan):
            continue
        if scan.scan_id not in failures:
            return scan
        stuck[scan.filed_under] = scan
    return min(stuck.values(), key=lambda scan: failures[scan.scan_id], default=None)
