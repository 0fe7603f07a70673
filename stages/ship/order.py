"""Which scan goes next, and which need not go at all. Pure.

A server keeps one scan per profile, the one that came last, whatever its date. So scans go oldest first, and an
older one is never sent after a newer one of its profile was accepted, or may have been, unless the operator forces
it.

The order of scans is the order of their ids, which only grow.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
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

    message: str
    by: ScanId | None = None


def waiting(report: Report, scan_id: ScanId) -> Waiting:
    key = profile_key(report.profile.name, scan_id)
    return Waiting(scan_id, key, report.status, report.answered_by)


def profile_key(name: str, scan_id: ScanId) -> str:
    return f"{name}|{scanner_of(scan_id)}"


def superseded(
    scan: Waiting, accepted: Accepted | None, delivery: DeliverySettings
) -> Superseded | None:
    """Why the scan need not be sent; `accepted`: the newest of its profile that the server took."""
    if scan.status == "merged":
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
        message = f"it would replace the good scan {good} (delivery.send_failed: unless-good)"
        return Superseded(message, good)
    return None


def candidates(
    scans: Sequence[Waiting],
    held: Collection[str],
    attempted: Collection[str],
    delivery: DeliverySettings,
) -> list[Waiting]:
    """The scans that may be sent, in the order in which they go; `scans` oldest first.

    `attempted`: the server may have them, the outcome is not known.
    """
    free = list(_free(scans, held, attempted))
    if delivery.backlog == "all":
        return free
    newest: dict[str, Waiting] = {}
    for scan in free:
        before = newest.get(scan.profile)
        # A failed scan that would not replace a good one at the server does not take its place here either.
        spares = delivery.send_failed == "unless-good" and before and before.status == "completed"
        if not spares or scan.status == "completed":
            newest[scan.profile] = scan
    return [scan for scan in free if scan.forced or scan is newest[scan.profile]]


def next_of(ready: Sequence[Waiting], failures: Mapping[ScanId, int]) -> Waiting:
    """The first; where nothing came of it again and again, the first of that profile for which that is least so.

    Perhaps the server fails at that scan alone: then the other profiles must not wait for it.
    """
    first: dict[str, Waiting] = {}
    for scan in ready:
        first.setdefault(scan.profile, scan)
    return min(first.values(), key=lambda scan: failures.get(scan.scan_id, 0))


def _free(
    scans: Sequence[Waiting], held: Collection[str], attempted: Collection[str]
) -> Iterator[Waiting]:
    """Those that nothing holds back: no operator, and no newer one that the server may have."""
    newest_attempted = {
        scan.profile: number for number, scan in enumerate(scans) if scan.scan_id in attempted
    }
    for number, scan in enumerate(scans):
        if scan.scan_id in held or scan.status == "merged":
            continue
        if scan.forced or number >= newest_attempted.get(scan.profile, 0):
            yield scan
