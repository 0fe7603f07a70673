"""Which scan goes next, and which need not go at all. Pure.

A server keeps one scan per profile, the one that came last, whatever its date. So scans go oldest first, and an
older one is never sent after a newer one of its profile was accepted, or may have been, unless the operator forces
it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from schemas.destination import Accepted
from schemas.ids import ScanId, scanner_of
from schemas.report import Report, ScanStatus
from schemas.settings import DeliverySettings


@dataclass(frozen=True)
class Waiting:
    """What must be known of a report to put it in order."""

    scan_id: ScanId
    profile: str
    """What the server replaces by: the profile's name and the scanner."""
    status: ScanStatus
    answered_by: ScanId | None = None
    forced: bool = False


@dataclass(frozen=True)
class Superseded:
    """The scan need not be sent."""

    words: str
    by: ScanId | None = None


def waiting(report: Report, scan_id: ScanId) -> Waiting:
    key = profile_key(report.profile.name, scan_id)
    return Waiting(scan_id, key, report.status, report.answered_by)


def profile_key(name: str, scan_id: ScanId) -> str:
    return f"{name}|{scanner_of(scan_id)}"


def superseded(scan: Waiting, accepted: Accepted | None, delivery: DeliverySettings) -> Superseded | None:
    """Why the scan need not be sent; `accepted`: the newest of its profile that the server took."""
    if scan.status == "joined":
        return Superseded(f"answered by {scan.answered_by}", scan.answered_by)
    if scan.forced:
        return None
    if accepted and accepted.scan_id > scan.scan_id:
        newer = ScanId(accepted.scan_id)
        return Superseded(f"the server has a newer scan of this profile, {newer}", newer)
    if scan.status == "completed" or delivery.send_failed == "always":
        return None
    if delivery.send_failed == "never":
        return Superseded("failed scans are not sent (delivery.send_failed: never)")
    if accepted and accepted.good and accepted.scan_id != scan.scan_id:
        good = ScanId(accepted.scan_id)
        words = f"it would replace the good scan {good} (delivery.send_failed: unless-good)"
        return Superseded(words, good)
    return None


def candidates(
    scans: Sequence[Waiting], held: Collection[str], begun: Collection[str], backlog: str
) -> list[Waiting]:
    """The scans that may be sent, in the order in which they go; `scans` oldest first.

    `begun`: sent at least once, with an outcome that is not known.
    """
    newest_begun: dict[str, str] = {}
    newest: dict[str, str] = {}
    for scan in scans:
        if scan.scan_id in begun:
            newest_begun[scan.profile] = scan.scan_id
        if scan.scan_id not in held and scan.status != "joined":
            newest[scan.profile] = scan.scan_id
    return [
        scan
        for scan in scans
        if scan.scan_id not in held
        and scan.status != "joined"
        and (
            scan.forced
            or (
                scan.scan_id >= newest_begun.get(scan.profile, "")
                and (backlog == "all" or scan.scan_id == newest[scan.profile])
            )
        )
    ]


def next_of(ready: Sequence[Waiting], failing: Collection[str]) -> Waiting:
    """The first; where the server fails at that very scan, the first of another profile, to see if it fails at all."""
    stuck = {scan.profile for scan in ready if scan.scan_id in failing}
    return next((scan for scan in ready if scan.profile not in stuck), ready[0])
