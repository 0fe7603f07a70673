"""From a finished raw entry to its report: the scanner's reader and the manifest.

Diagnostics: a report of status `failed` for results that cannot be read. EntryDamagedError passes
through, so that the entry's owner handles it.
"""

from collections.abc import Callable
from datetime import UTC

from schemas.codec import replace
from schemas.manifest import Manifest, Role
from schemas.report import Report
from schemas.settings import Settings
from stages.scanners import failed_reports, registry
from stages.scanners.fixed_rules import with_fixes
from stages.scanners.secrets import masked_forms, masked_text
from stages.scanners.spec import Opener, ScannerOutput, UnreadableError

_MAX_RAW_OUTPUT = 2 * 1024 * 1024


def read(
    manifest: Manifest, open_file: Callable[[Role], Opener | None], settings: Settings
) -> Report:
    """The report of a scan of which the scanner left results."""
    output = ScannerOutput(
        open_file,
        manifest.started_at,
        manifest.completed_at,
        # What was submitted has no command.
        is_own_run=bool(manifest.command),
        time_zone=UTC,
        not_searched=manifest.not_searched,
    )
    if manifest.outcome != "finished":
        return _partial(manifest, output)
    try:
        found = registry.get(manifest.scanner).read(output, settings)
    except (UnreadableError, registry.UnknownScannerError) as error:
        return failed_reports.unreadable(manifest, str(error))
    raw_output: str | None = None
    if settings.compliance.raw_output:
        raw_output = _raw_output(output)
    return replace(
        found,
        scan_id=manifest.scan_id,
        results=with_fixes(found.results, manifest.fixes),
        started_at=manifest.started_at,
        completed_at=manifest.completed_at,
        scanner_version=manifest.scanner_version or found.scanner_version,
        content=manifest.content,
        tailoring=failed_reports.with_file(found.tailoring, manifest),
        not_searched=manifest.not_searched,
        reasons=manifest.reasons,
        warnings=(*manifest.warnings, *map(masked_forms, found.warnings)),
        raw_output=raw_output,
    )


def _partial(manifest: Manifest, output: ScannerOutput) -> Report:
    report = failed_reports.without_results(manifest)
    try:
        rules = registry.get(manifest.scanner).read_partial(output)
    except UnreadableError as error:
        warning = f"the rules that were evaluated can't be read: {error}"
        return replace(report, warnings=(*report.warnings, warning))
    return replace(report, partial_results=rules)


def _raw_output(output: ScannerOutput) -> str | None:
    opener = output.open_file("stdout")
    if opener is None:
        return None
    with opener() as stream:
        return masked_text(stream.read(_MAX_RAW_OUTPUT).decode("utf-8", "replace"))
