"""oscap 1.4 of Debian 13 itself."""

import re
from collections import Counter
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scan.execution import FinishedRun
from stages.scanners.openscap.content import LINUX
from tests.scanners.openscap.oscap_runs import REASON, read, run_of

pytestmark = [pytest.mark.booted, pytest.mark.timeout(900)]
DEBIAN = "ID=debian\nVERSION_ID=13"


def test_the_counts_are_those_of_its_file_with_titles_and_durations(
    new_oscap: str, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    process = Process("scan", Settings(), None, spool, Log("scan"), NoDoorbell())
    run = run_of(LINUX, process, draft, version=new_oscap, os_release=DEBIAN)
    finished = run.carry_out(REASON, lambda _: None, lambda: None)
    assert isinstance(finished, FinishedRun)
    manifest, files = finished.manifest, finished.outputs
    assert (manifest.outcome, manifest.error) == ("finished", None)
    report = read(manifest, files, draft)
    (results,) = [draft / file.name for file in files if file.role == "xccdf-results"]
    counted = Counter(re.findall(r"<result>([a-z]+)</result>", results.read_text()))
    del counted["notselected"]
    summary = report.summary
    assert summary.total_rules == counted.total() > 0
    assert (summary.passed, summary.failed) == (counted["pass"], counted["fail"])
    assert summary.not_applicable == counted["notapplicable"]
    assert report.scanner_version == new_oscap
    assert all(rule.duration_s is not None for rule in report.results)
    assert not any("did not" in warning for warning in report.warnings)
