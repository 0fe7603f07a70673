"""The scans of the settings: how the last one of each ended, and when the next one runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import PurePath

from schemas.capabilities import DetectedScanner, ProfileInfo
from schemas.codec import replace
from schemas.ids import ScanId, Scanner, requested_at
from schemas.planned_scan import PlannedScan
from schemas.records import Record
from schemas.report import ReportHeader, ScanStatus
from schemas.schedule import NextDue
from schemas.settings import Settings
from spool.spool import Spool
from stages.console.output import show_table
from stages.formats.kept_scans import KeptScans
from stages.runtime.moments import in_host_zone
from stages.scanners import readiness, registry
from stages.scanners.spec import ScannerSpec

_MOST_REPORTS = 500
"""An older last scan is not searched for."""


class LastScan(Record, frozen=True, kw_only=True):
    """The newest scan of a profile that is done."""

    scan_id: ScanId
    requested_at: datetime
    status: ScanStatus
    score: float | None


class PlannedScanStatus(Record, frozen=True, kw_only=True):
    """One scan of the settings."""

    scanner: Scanner
    profile: str | None
    """As the settings name it; None for a scanner without profiles."""
    title: str | None
    """The profile's title, under which its results are kept; None where it is not known."""
    tailoring: str | None
    content: str | None
    schedule: str | None
    """None: it runs only on request."""
    next: datetime | None
    last: LastScan | None


def planned_scans(
    settings: Settings,
    spool: Spool,
    detected: Mapping[Scanner, DetectedScanner],
    due: Iterable[NextDue],
) -> tuple[PlannedScanStatus, ...]:
    """The scans of all scanners that are in use."""
    next_due = {(each.scanner, each.profile, each.tailoring, each.content): each for each in due}
    found: list[PlannedScanStatus] = []
    kept_under: list[frozenset[str]] = []
    for spec in registry.scanners():
        scanner = detected.get(spec.key)
        if not _is_in_use(spec, settings, scanner):
            continue
        for scan, profile in _with_profiles(spec, settings, scanner):
            key = (spec.key, scan.profile_text, scan.tailoring, scan.content)
            found.append(_status(spec.key, scan, profile, next_due.get(key)))
            kept_under.append(_names_of_results(spec, scan, profile))
    return tuple(_with_last_scans(found, kept_under, spool))


def show_planned_scans(scans: Sequence[PlannedScanStatus]) -> None:
    show_table(("scan", "profile", "last", "next"), map(_row, scans))


def _is_in_use(spec: ScannerSpec, settings: Settings, scanner: DetectedScanner | None) -> bool:
    is_installed = scanner is None or scanner.installed
    is_left_out = readiness.is_left_out(spec, settings, installed=is_installed)
    return not is_left_out and readiness.refusal(spec, settings) is None


def _with_profiles(
    spec: ScannerSpec, settings: Settings, scanner: DetectedScanner | None
) -> Iterable[tuple[PlannedScan, ProfileInfo | None]]:
    planned = spec.settings_in(settings).planned_scans
    profiles: Sequence[ProfileInfo | None] = [None] * len(planned)
    if scanner is not None:
        profiles = spec.planned_profiles(settings, scanner)
    return zip(planned, profiles, strict=True)


def _status(
    scanner: Scanner, scan: PlannedScan, profile: ProfileInfo | None, due: NextDue | None
) -> PlannedScanStatus:
    title = next_at = None
    schedule = scan.schedule
    if profile is not None:
        title = profile.title
    if due is not None:
        schedule, next_at = due.schedule, due.at
    return PlannedScanStatus(
        scanner=scanner,
        profile=scan.profile_text,
        title=title,
        tailoring=scan.tailoring,
        content=scan.content,
        schedule=schedule,
        next=next_at,
        last=None,
    )


def _names_of_results(
    spec: ScannerSpec, scan: PlannedScan, profile: ProfileInfo | None
) -> frozenset[str]:
    """Under which profile names the results of a scan are kept, also of one that failed."""
    if profile is not None:
        return frozenset((profile.title,))
    if isinstance(scan.profile, tuple):
        return frozenset(scan.profile)
    return frozenset((scan.profile or spec.default_profile, spec.default_profile))


def _with_last_scans(
    scans: Sequence[PlannedScanStatus], kept_under: Sequence[frozenset[str]], spool: Spool
) -> Iterator[PlannedScanStatus]:
    last: dict[int, LastScan] = {}
    for scan_id, header in islice(KeptScans(spool).newest_headers(), _MOST_REPORTS):
        for number, names in enumerate(kept_under):
            is_of_scan = header.scanner == scans[number].scanner and header.profile in names
            if is_of_scan and number not in last:
                last[number] = _last_scan(scan_id, header)
        if len(last) == len(scans):
            break
    for number, scan in enumerate(scans):
        yield replace(scan, last=last.get(number))


def _last_scan(scan_id: ScanId, header: ReportHeader) -> LastScan:
    return LastScan(
        scan_id=scan_id,
        requested_at=requested_at(scan_id),
        status=header.status,
        score=header.score,
    )


def _row(scan: PlannedScanStatus) -> tuple[object, ...]:
    profile = scan.title or scan.profile
    if scan.tailoring is not None:
        profile = f"{profile}, tailored by {PurePath(scan.tailoring).name}"
    return scan.scanner, profile, _last_text(scan.last), _next_text(scan)


def _last_text(last: LastScan | None) -> str:
    if last is None:
        return "none"
    text = f"{in_host_zone(last.requested_at):%Y-%m-%d %H:%M %Z} {last.status}"
    if last.score is not None:
        text = f"{text}, score {last.score:g}"
    return text


def _next_text(scan: PlannedScanStatus) -> str:
    if scan.next is not None:
        return f"{in_host_zone(scan.next):%a %Y-%m-%d %H:%M %Z} ({scan.schedule})"
    if scan.schedule is not None:
        return f"schedules are off ({scan.schedule})"
    return "on request"
