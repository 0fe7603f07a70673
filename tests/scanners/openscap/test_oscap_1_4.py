"""oscap 1.4 of Debian 13 itself, started with the libraries of its own release."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scan.execution import FinishedRun
from stages.scanners.openscap import oscap_program
from stages.scanners.openscap.content import LINUX
from tests.booted.rootfs import NoRootError, archive
from tests.scanners.openscap.oscap_runs import REASON, read, run_of

pytestmark = [pytest.mark.booted, pytest.mark.timeout(900)]
DEBIAN = "ID=debian\nVERSION_ID=13"
_PROGRAM = """\
#!/bin/sh
export OSCAP_SCHEMA_PATH={root}/usr/share/openscap/schemas
for loader in {root}/usr/lib/*-linux-gnu*/ld-linux-*.so.*; do
    exec "$loader" --library-path "${{loader%/*}}" {root}/usr/bin/oscap "$@"
done
"""


@pytest.fixture
def new_oscap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The version of the program, which is the one that is found."""
    try:
        packed = archive("trixie", ("openscap-scanner",))
    except NoRootError as error:
        pytest.skip(f"no Debian 13: {error}")
    root = tmp_path / "root"
    root.mkdir()
    unpack = ["tar", "--extract", "--file", str(packed), "--directory", str(root), "./usr"]
    subprocess.run(unpack, check=True, timeout=120)
    program = tmp_path / "oscap"
    program.write_text(_PROGRAM.format(root=root))
    program.chmod(0o755)
    monkeypatch.setattr(oscap_program, "PATH", str(tmp_path))
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"\(oscap\) (1\.4\.\d+)", shown.stdout)
    assert version, shown.stdout
    return version[1]


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
