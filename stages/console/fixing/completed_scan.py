"""The scan that is re-checked or fixed: its raw entry and its report."""

from collections.abc import Sequence

from schemas.capabilities import DetectedScanner
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.records import Struct
from schemas.report import Report, RuleResult, RuleStatus
from stages.console import scan_states
from stages.console.context import Context
from stages.console.kept_detection import kept_detection
from stages.console.report_view import FAILED
from stages.console.rule_lookup import find_rule
from stages.console.scan_names import find_scan
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.scanners import registry
from stages.scanners.detection import detect_now
from stages.scanners.spec import ScannerSpec


class CompletedScan(Struct, frozen=True):
    """A completed scan of this host."""

    scan_id: ScanId
    spec: ScannerSpec
    manifest: Manifest
    report: Report


def completed_scan(context: Context, named: str) -> CompletedScan:
    """Raises CommandError where there is no such scan, or where it is not a scan of this host."""
    spool = context.existing_spool()
    boxes = scan_states.snapshot(spool)
    scan_id = find_scan(named, boxes.scan_ids)
    if scan_id in boxes.raw:
        # Root wrote that, and not the parse stage, which reads what scanners have written.
        scan_id = spool.raw.manifest(scan_id).answered_by or scan_id
    if scan_id not in boxes.reports:
        raise CommandError(f"{scan_id} has no report yet: it is {boxes.state(scan_id)}", Exit.NO)
    report = spool.reports.read(scan_id)
    if report.status != "completed":
        raise CommandError(f"{scan_id} is {report.status}: name a completed scan", Exit.NO)
    if scan_id not in boxes.raw:
        raise CommandError(f"{scan_id}: no raw entry is kept: scan again", Exit.NO)
    manifest = spool.raw.manifest(scan_id)
    if not manifest.command:
        raise CommandError(f"{scan_id} was made elsewhere, not by a scan of this host", Exit.NO)
    return CompletedScan(scan_id, registry.get(manifest.scanner), manifest, report)


def chosen_rules(scan: CompletedScan, named: Sequence[str] | None) -> list[RuleResult]:
    """The named rules; else those that failed. In the order of the scan. Raises CommandError."""
    results = scan.report.results
    if not named:
        failed = [result for result in results if result.status in FAILED]
        if not failed:
            raise CommandError(f"{scan.scan_id}: no rule has failed", Exit.NO)
        return failed
    wanted = {find_rule(results, name, scan.scan_id).rule_ref for name in named}
    return [result for result in results if result.rule_ref in wanted]


def own_status(result: RuleResult) -> RuleStatus:
    """A rule's status without its waiver."""
    if result.waiver is not None:
        return result.waiver.status
    return result.status


def detected_scanner(context: Context, spec: ScannerSpec) -> DetectedScanner:
    """As the scan stage has detected it, or as it is now."""
    kept = kept_detection(context.spool).get(spec.key)
    if kept is not None and kept.ready:
        return kept
    return detect_now(context.settings).scanners[spec.key]
