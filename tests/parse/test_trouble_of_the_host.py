"""Trouble of the host delays the work of the parse stage; it never becomes a result."""

import io
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas import codec
from schemas.capabilities import Detected
from schemas.ids import new_scan_id
from spool.errors import SpoolError
from spool.spool import Spool
from stages.console.delivery.host_origin import origin
from stages.parse.stage import ParseStage
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners.settings import check_settings
from stages.trigger.detected_host import host_id, host_update
from tests.pipeline.test_bad_input import raw_entry

SCAN = new_scan_id("openscap", datetime(2026, 6, 1, tzinfo=UTC), "00000001")


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    raw_entry(spool, SCAN, b"no results")
    spool.claim("parse")
    settings, problems = check_settings({})
    assert not problems
    return Process("parse", settings, None, spool, Log("parse", stream=io.StringIO()), NoDoorbell())


def test_a_reader_that_can_not_be_started_is_not_a_death_of_the_reader(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = ParseStage(process)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(tmp_path / "missing"))
        for _ in range(5):
            with pytest.raises(SpoolError, match="the work stays pending"):
                stage.run_once()
    assert process.spool.reports.ids() == []

    stage.run_once()
    report = process.spool.reports.read(SCAN)
    stage.close()
    assert "died" not in (report.error or "")
    assert "results unreadable" in (report.error or "")


def test_a_host_name_that_is_not_utf_8_keeps_nothing_from_being_read(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "m\udcfcller")
    stage = ParseStage(process)
    stage.run_once()
    stage.close()
    assert process.spool.reports.ids() == [SCAN]
    assert host_id(process.settings)
    assert codec.encode(host_update(Detected(at=process.now())))
    assert origin()
