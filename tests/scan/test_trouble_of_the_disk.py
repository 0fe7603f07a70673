"""A disk that refuses something in the course of a scan: the scan waits, and nothing is in the way
of its next attempt.
"""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from schemas.settings import Settings
from spool.errors import QuotaError, SpoolError
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scan.execution import Run
from stages.scan.stage import ScanStage
from stages.scanners.child import ChildLimits
from stages.scanners.openscap.openscap_run import OpenSCAP
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.runner import Plan
from stages.scanners.settings import check_settings
from tests.faults.test_immovable_entries import immutable

AT = datetime(2026, 6, 1, tzinfo=UTC)
SCAN = new_scan_id("openscap", AT, "00000001")
REASON = Reason(source="operator", at=AT)
FILLS = (
    "for n in 1 2 3; do echo rule_$n'|'Title'|'pass; done; cat /dev/zero >filled 2>/dev/null\n"
    "truncate -s -4096 filled; exit 1"
)
"""What is left is enough for the output alone."""


def process_of(spool: Spool, settings: Settings) -> Process:
    log = Log("scan", stream=io.StringIO())
    return Process("scan", settings, None, spool, log, NoDoorbell())


def test_a_scan_that_could_not_be_prepared_was_not_started(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.claim("scan")
    spool.requests.write(Request(scan_id=SCAN, scanner="openscap", reason=REASON))
    settings, _ = check_settings({"compliance": {"openscap": {"profile": "no such profile"}}})
    stage = ScanStage(process_of(spool, settings))
    with immutable(spool.raw.path):
        for _ in range(3):
            with pytest.raises(SpoolError, match="the work stays pending"):
                stage.run_once()
    stage.run_once()
    assert "never ended" not in (spool.raw.manifest(SCAN).error or "")
    spool.release()


def test_no_scan_is_started_while_its_box_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.claim("scan")
    spool.requests.write(Request(scan_id=SCAN, scanner="openscap", reason=REASON))
    (spool.raw.path / "foreign").touch()
    monkeypatch.setattr("spool.directory.MOST_NAMES", 1)
    stage = ScanStage(process_of(spool, Settings()))
    with pytest.raises(QuotaError, match="the work waits"):
        stage.run_once()
    assert spool.state_store("scan").attempted() == []
    spool.release()


def test_a_scanner_that_leaves_no_space_for_what_the_stage_adds_is_repeated(
    small_disk: Path,
) -> None:
    spool = Spool(small_disk / "spool")
    spool.claim("scan")
    process = process_of(spool, Settings())
    draft = spool.raw.draft(SCAN)
    limits = ChildLimits(60, 1 << 30)
    plan = Plan(None, "Profile", ("sh", "-c", FILLS), limits, None)
    run = Run(process, SCAN, OpenSCAP(OpenSCAPSettings(), None), plan, draft)
    assert run.carry_out(REASON, lambda _: None, lambda: None) is None
    spool.release()
