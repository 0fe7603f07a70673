"""From a finished raw entry to its report: the results by their scanner's reader, the rest from the manifest.

Diagnostics: a report of status `failed` for results that can't be read; EntryDamagedError passes through, so that the
entry's owner learns of it.
"""

from collections.abc import Callable

from schemas.codec import replace
from schemas.manifest import Manifest, Role
from schemas.report import Report
from schemas.settings import Settings
from spool.packing import PackingError
from stages.scanners import failed_reports
from stages.scanners.docker_bench.reading import DockerBenchError, read_docker_bench
from stages.scanners.openscap.openscap_report import Opener, Options, read_openscap
from stages.scap.xml_records import ScapError

Open = Callable[[Role], Opener | None]
_MAX_RAW_OUTPUT = 2 * 1024 * 1024


def read(manifest: Manifest, open_file: Open, settings: Settings) -> Report:
    """The report of a finished scan."""
    try:
        found = _found(manifest, open_file, settings)
    except (ScapError, PackingError, DockerBenchError) as error:
        return failed_reports.unreadable(manifest, str(error))
    return replace(
        found,
        scan_id=manifest.scan_id,
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        scanner_version=manifest.scanner_version or found.scanner_version,
        content=manifest.content,
        reasons=manifest.reasons,
        warnings=(*manifest.warnings, *found.warnings),
        raw_output=_raw_output(open_file) if settings.compliance.raw_output else None,
    )


def _found(manifest: Manifest, open_file: Open, settings: Settings) -> Report:
    if manifest.scanner == "docker-bench":
        json, log = _bytes(open_file("docker-bench-json")), _bytes(open_file("docker-bench-log"))
        return read_docker_bench(json, log, at=manifest.started_at, ended=manifest.completed_at)
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
