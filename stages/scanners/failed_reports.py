"""Reports without results: of failed, cancelled and merged scans, and of unreadable results."""

from schemas.codec import replace
from schemas.ids import ScanId, Scanner, requested_at, scanner_of
from schemas.manifest import Manifest
from schemas.report import AppliedTailoring, Profile, Report, ScanStatus, Summary
from schemas.request import FailureCause
from stages.scanners import registry

_STATUS: dict[str, ScanStatus] = {"failed": "failed", "cancelled": "cancelled", "merged": "merged"}


def without_results(manifest: Manifest) -> Report:
    """The report of a scan that did not finish."""
    return _report(manifest, _STATUS[manifest.outcome], manifest.error, manifest.cause)


def if_nothing_to_read(manifest: Manifest) -> Report | None:
    """The report of a scan that left no results; None where a reader has to read some."""
    if manifest.outcome == "finished" or _has_partial_results(manifest):
        return None
    return without_results(manifest)


def _has_partial_results(manifest: Manifest) -> bool:
    """Whether the scanner left the rules that it evaluated before it ended."""
    spec = registry.find(manifest.scanner)
    if spec is None:
        return False
    return manifest.file(spec.partial_role) is not None


def unreadable(manifest: Manifest, reason: str) -> Report:
    """The report of a scan whose results can't be read."""
    return _report(manifest, "failed", f"results unreadable: {reason}", "results-unreadable")


def damaged(scan_id: ScanId, reason: str) -> Report:
    """The report of a raw entry whose manifest or files have changed since they were written."""
    at = requested_at(scan_id)
    scanner = scanner_of(scan_id)
    return Report(
        scan_id=scan_id,
        profile=Profile(name=_default_profile(scanner), type=scanner),
        status="failed",
        error=f"raw entry damaged: {reason}; scan again",
        cause="damaged",
        started_at=at,
        completed_at=at,
        summary=Summary(),
    )


def with_file(tailoring: AppliedTailoring | None, manifest: Manifest) -> AppliedTailoring | None:
    """The tailoring that the reader found, with path and digest of the file that the scan used."""
    if manifest.tailoring is None:
        return tailoring
    file = manifest.tailoring
    return replace(tailoring or AppliedTailoring(), path=file.path, sha256=file.sha256)


def _report(
    manifest: Manifest, status: ScanStatus, error: str | None, cause: FailureCause | None
) -> Report:
    return Report(
        scan_id=manifest.scan_id,
        profile=Profile(
            name=manifest.profile_title or _default_profile(manifest.scanner),
            type=manifest.scanner,
            id=manifest.profile_id,
        ),
        status=status,
        error=error,
        cause=cause,
        answered_by=manifest.answered_by,
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        summary=Summary(),
        warnings=manifest.warnings,
        reasons=manifest.reasons,
        scanner_version=manifest.scanner_version,
        content=manifest.content,
        tailoring=with_file(None, manifest),
        not_searched=manifest.not_searched,
    )


def _default_profile(scanner: Scanner) -> str:
    """The scanner's default profile; the key of a scanner that this agent does not have."""
    spec = registry.find(scanner)
    if spec is None:
        return scanner
    return spec.default_profile
