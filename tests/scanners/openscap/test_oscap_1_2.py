"""oscap 1.2.17 itself, where it can be had: COMPLIANCE_AGENT_OSCAP_1_2 names the program."""

import os
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scan.execution import FinishedRun, Run
from stages.scanners.child import Cause, EndedBy
from stages.scanners.openscap import oscap_program
from stages.scanners.openscap.content import LINUX
from tests.pipeline.agent import until
from tests.scanners.openscap.oscap_runs import REASON, read, run_of

UBUNTU = "ID=ubuntu\nVERSION_ID=22.04"
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


def old_run(content: Path, process: Process, draft: Path) -> Run:
    return run_of(content, process, draft, version="1.2.17", os_release=UBUNTU)


def test_a_datastream_with_remote_parts_is_scanned_with_titles_and_durations(
    old_oscap: Path, process: Process, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    run = old_run(with_remote_part(tmp_path), process, draft)
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
    run = old_run(LINUX, process, draft)
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
