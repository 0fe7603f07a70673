"""Reports of real scans are the same bytes from files, in the pipeline and from the ARF alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import codec
from schemas.ids import ScanId
from schemas.report import Report
from stages.scanners.openscap.openscap_report import read_openscap
from tests.pipeline.agent import Agent, an_agent, until
from tests.pipeline.test_bad_input import raw_entry
from tests.scanners.openscap.real_scans import CONTENT, debian_content, own_profile, quick, scan

SCAN_ID = ScanId("20261123T060301Z-openscap-3f9c2a17")
PROFILES = ["own", "standard", "anssi_bp28_high"]


@pytest.fixture
def agent() -> Iterator[Agent]:
    with an_agent() as agent:
        yield agent


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.shared] * (name != "own")) for name in PROFILES]
)
def scanned(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of a real scan: r.xml and arf.xml."""
    if request.param == "own":
        scan(CONTENT / "compliance-agent-linux-ds.xml", own_profile(), tmp_path)
    else:
        captures: Path = request.getfixturevalue("captures")
        scan(debian_content(captures, tmp_path), request.param, tmp_path, *quick())
    return tmp_path


def parsed(where: Path, *names: str, seed: str = "0") -> bytes:
    """What `compliance-agent parse` writes."""
    command = [
        sys.executable,
        "-m",
        "stages.console.main",
        "parse",
        *(str(where / name) for name in names),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.run(
        command, capture_output=True, check=True, timeout=120, env=environment
    ).stdout


@pytest.mark.oscap
def test_a_report_is_the_same_bytes_from_files_in_the_pipeline_and_from_the_arf_alone(
    scanned: Path, agent: Agent
) -> None:
    results, arf = (scanned / name for name in ("r.xml", "arf.xml"))
    from_files = parsed(scanned, "r.xml", "arf.xml", seed="1")
    assert parsed(scanned, "arf.xml", "r.xml", seed="2") == from_files

    raw_entry(agent.spool, SCAN_ID, results.read_bytes(), arf.read_bytes())
    agent.start("parse")
    until(lambda: agent.reported(SCAN_ID), "a report")
    report = codec.decode(from_files, Report)
    in_pipeline = codec.replace(
        agent.report(SCAN_ID),
        scan_id=None,
        started_at=report.started_at,
        completed_at=report.completed_at,
    )
    assert codec.encode(in_pipeline) == codec.encode(report)

    assert parsed(scanned, "arf.xml") == from_files


@pytest.mark.oscap
def test_results_without_arf_lack_the_evidence_and_nothing_else(scanned: Path) -> None:
    whole = codec.decode(parsed(scanned, "r.xml", "arf.xml"), Report)
    bare = read_openscap(lambda: (scanned / "r.xml").open("rb"), None)
    assert bare.summary == whole.summary
    assert [
        codec.replace(rule, finding=None, actual=None, expected=None) for rule in bare.results
    ] == [codec.replace(rule, finding=None, actual=None, expected=None) for rule in whole.results]
    assert "no ARF" in bare.warnings[0]
