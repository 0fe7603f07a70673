"""oscap 1.2.17 itself, where it can be had: COMPLIANCE_AGENT_OSCAP_1_2 names the program."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import new_scan_id
from schemas.manifest import Manifest
from schemas.report import Report
from schemas.request import Reason, Request
from schemas.settings import Settings
from spool.raw import Output
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scan.execution import FinishedRun, Run
from stages.scanners import reports
from stages.scanners.child import Cause, EndedBy
from stages.scanners.openscap import openscap_detection, oscap_program
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import Plan
from stages.scanners.settings import check_settings
from stages.scanners.spec import Opener
from tests.pipeline.agent import until

AT = datetime(2026, 11, 26, tzinfo=UTC)
SCAN_ID = new_scan_id("openscap", AT)
REASON = Reason(source="operator", at=AT)
HREF = "https://www.example.com/security/oval.xml.bz2"


@pytest.fixture
def old_oscap(monkeypatch: pytest.MonkeyPatch) -> Path:
    where = os.environ.get("COMPLIANCE_AGENT_OSCAP_1_2")
    if not where:
        pytest.skip("COMPLIANCE_AGENT_OSCAP_1_2 is not set")
    monkeypatch.setattr(oscap_program, "PATH", str(Path(where).parent))
    return Path(where)


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return Process("scan", Settings(), None, spool, Log("scan"), NoDoorbell())


def with_remote_part(where: Path) -> Path:
    """The agent's own content, with a part that lies on another host."""
    content = where / "remote-ds.xml"
    text = LINUX.read_text()
    reference = f'<ds:component-ref id="scap_x_cref_remote.xml" xlink:href="{HREF}"/></ds:checks>'
    assert "</ds:checks>" in text
    content.write_text(text.replace("</ds:checks>", reference))
    return content


def run_of(content: Path, process: Process, draft: Path) -> Run:
    settings = OpenSCAPSettings(content=str(content), profile="linux_standard")
    found = openscap_detection.detect(settings, parse_os_release("ID=ubuntu\nVERSION_ID=22.04"), {})
    assert found.scanner.version == "1.2.17"
    assert found.scanner.ready, found.scanner.problems
    runner = OpenSCAP(settings, found.scanner)
    request = Request(scan_id=SCAN_ID, scanner="openscap", reason=REASON)
    plan = runner.plan(request, draft)
    assert isinstance(plan, Plan), plan
    return Run(process, SCAN_ID, runner, plan, draft)


def test_a_datastream_with_remote_parts_is_scanned_with_titles_and_durations(
    old_oscap: Path, process: Process, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    run = run_of(with_remote_part(tmp_path), process, draft)
    finished = run.carry_out(REASON, lambda _: None, lambda: None)
    assert isinstance(finished, FinishedRun)
    manifest, files = finished.manifest, finished.outputs
    assert (manifest.outcome, manifest.error) == ("finished", None)
    assert any("a copy without them" in warning for warning in manifest.warnings)
    report = read(manifest, files, draft)
    assert report.summary.total_rules == 15
    assert all(rule.duration_s is not None for rule in report.results)
    assert not any("did not" in warning for warning in report.warnings)


def test_a_scan_that_is_ended_leaves_no_probe(
    old_oscap: Path, process: Process, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    run = run_of(LINUX, process, draft)
    leaders: list[int] = []
    probes: set[int] = set()

    def unwanted() -> EndedBy | None:
        probes.update(members(leaders[0]) - {leaders[0]})
        if not probes:
            return None
        return EndedBy(Cause.CANCELLED, "cancelled by the operator")

    finished = run.carry_out(REASON, leaders.append, unwanted)
    assert isinstance(finished, FinishedRun)
    if finished.manifest.outcome == "finished":
        pytest.skip("this machine finished before the scan could be ended")
    assert finished.manifest.outcome == "cancelled"
    until(lambda: not members(leaders[0]), "every probe has ended")


def members(group: int) -> set[int]:
    """The processes of a process group that run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.add(int(path.parent.name))
    return found


def read(manifest: Manifest, files: tuple[Output, ...], draft: Path) -> Report:
    paths = {file.role: draft / file.name for file in files}
    settings, problems = check_settings({})
    assert problems == []

    def open_file(role: str) -> Opener | None:
        if role not in paths:
            return None
        return lambda: paths[role].open("rb")

    return reports.read(manifest, open_file, settings)
