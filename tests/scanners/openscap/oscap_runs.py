"""Runs of an oscap of a certain version, from detection to the report."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from schemas.ids import new_scan_id
from schemas.manifest import Manifest
from schemas.report import Report
from schemas.request import Reason, Request
from spool.raw import Output
from stages.runtime.process import Process
from stages.scan.execution import FinishedRun, Run
from stages.scanners import reports
from stages.scanners.host import this_platform
from stages.scanners.openscap import openscap_detection
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import Plan
from stages.scanners.settings import check_settings
from stages.scanners.spec import Opener

AT = datetime(2026, 11, 26, tzinfo=UTC)
SCAN_ID = new_scan_id("openscap", AT)
REASON = Reason(source="operator", at=AT)


def run_of(content: Path, process: Process, draft: Path, *, version: str, os_release: str) -> Run:
    """A run by the scanner on PATH, which has to have this version."""
    settings = OpenSCAPSettings(content=str(content), profile="linux_standard")
    found = openscap_detection.detect(settings, parse_os_release(os_release), {})
    assert found.scanner.version == version
    assert found.scanner.ready, found.scanner.problems
    runner = OpenSCAP(settings, found.scanner)
    request = Request(scan_id=SCAN_ID, scanner="openscap", reason=REASON)
    plan = runner.plan(request, draft)
    assert isinstance(plan, Plan), plan
    return Run(process, SCAN_ID, runner, plan, draft)


def scanned(
    settings: OpenSCAPSettings, process: Process, profile: str | None = None
) -> tuple[Manifest, Report]:
    """A whole scan by the oscap of this host, kept in the spool, and its report."""
    found = openscap_detection.detect(settings, this_platform(), {}).scanner
    assert found.ready, found.problems
    runner = OpenSCAP(settings, found)
    raw = process.spool.raw
    draft = raw.draft(SCAN_ID)
    request = Request(scan_id=SCAN_ID, scanner="openscap", profile=profile, reason=REASON)
    plan = runner.plan(request, draft)
    assert isinstance(plan, Plan), plan
    finished = Run(process, SCAN_ID, runner, plan, draft).carry_out(
        REASON, lambda _: None, lambda: None
    )
    assert isinstance(finished, FinishedRun)
    manifest = raw.publish(finished.manifest, finished.outputs)
    return manifest, reports.read(
        manifest, partial(_kept, process, manifest), check_settings({})[0]
    )


def _kept(process: Process, manifest: Manifest, role: str) -> Opener | None:
    for file in manifest.files:
        if file.role == role:
            return partial(process.spool.raw.open_file, manifest.scan_id, file)
    return None


def read(manifest: Manifest, files: tuple[Output, ...], draft: Path) -> Report:
    paths = {file.role: draft / file.name for file in files}
    settings, problems = check_settings({})
    assert problems == []

    def open_file(role: str) -> Opener | None:
        if role not in paths:
            return None
        return lambda: paths[role].open("rb")

    return reports.read(manifest, open_file, settings)
