"""From a raw entry to its report: the scanner's part comes from its reader, the rest from the manifest.

Pure but for the files it is handed. Diagnostics: a report of status `failed` for whatever can't be read;
EntryDamagedError passes through, so that the entry's owner learns of it.
"""

from collections.abc import Callable

from schemas.codec import replace
from schemas.ids import ScanId, asked_at, scanner_of
from schemas.manifest import Manifest, Role
from schemas.report import Profile, Report, ScanStatus, Summary
from schemas.settings import Settings
from spool.packing import PackingError
from stages.parse.docker_bench import DockerBenchError, read_docker_bench
from stages.parse.openscap import Opener, Options, read_openscap
from stages.scap.xml import ScapError

Open = Callable[[Role], Opener | None]
_MAX_RAW_OUTPUT = 2 * 1024 * 1024
_NAMES = {"openscap": "OpenSCAP", "docker-bench": "CIS Docker"}


def report(manifest: Manifest, open_file: Open, settings: Settings) -> Report:
    """The report of a raw entry."""
    if manifest.outcome != "finished":
        return _without_results(manifest, _STATUS[manifest.outcome], manifest.error)
    try:
        read = _read(manifest, open_file, settings)
    except (ScapError, PackingError, DockerBenchError) as error:
        return unreadable(manifest, str(error))
    return replace(
        read,
        scan_id=manifest.scan_id,
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        scanner_version=manifest.scanner_version or read.scanner_version,
        content=manifest.content,
        reasons=manifest.reasons,
        warnings=(*manifest.warnings, *read.warnings),
        raw_output=_raw_output(open_file) if settings.compliance.raw_output else None,
    )


def unreadable(manifest: Manifest, reason: str) -> Report:
    """The report of a scan whose results can't be read."""
    return _without_results(manifest, "failed", f"the scanner's results can't be read: {reason}")


def damaged(scan_id: ScanId, reason: str) -> Report:
    """The report of a raw entry of which not even the manifest, or not every byte, is what was written."""
    at = asked_at(scan_id)
    scanner = scanner_of(scan_id)
    return Report(
        scan_id=scan_id,
        profile=Profile(name=_NAMES[scanner], type=scanner),
        status="failed",
        error=f"the raw entry is damaged: {reason}; scan again",
        started_at=at,
        completed_at=at,
        summary=Summary(),
    )


_STATUS: dict[str, ScanStatus] = {"failed": "failed", "cancelled": "cancelled", "joined": "joined"}


def _without_results(manifest: Manifest, status: ScanStatus, error: str | None) -> Report:
    return Report(
        scan_id=manifest.scan_id,
        profile=Profile(
            name=manifest.profile_title or _NAMES[manifest.scanner],
            type=manifest.scanner,
            id=manifest.profile_id,
        ),
        status=status,
        error=error,
        answered_by=manifest.answered_by,
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        summary=Summary(),
        warnings=manifest.warnings,
        reasons=manifest.reasons,
        scanner_version=manifest.scanner_version,
        content=manifest.content,
    )


def _read(manifest: Manifest, open_file: Open, settings: Settings) -> Report:
    if manifest.scanner == "docker-bench":
        json, log = _bytes(open_file("docker-bench-json")), _bytes(open_file("docker-bench-log"))
        return read_docker_bench(json, log, at=manifest.started_at)
    options = Options(include_notselected=settings.compliance.openscap.include_notselected)
    return read_openscap(open_file("xccdf-results"), open_file("arf"), options)


def _bytes(opener: Opener | None) -> bytes | None:
    if opener is None:
        return None
    with opener() as stream:
        return stream.read()


def _raw_output(open_file: Open) -> str | None:
    opener = open_file("stdout")
    if opener is None:
        return None
    with opener() as stream:
        return stream.read(_MAX_RAW_OUTPUT).decode("utf-8", "replace")
