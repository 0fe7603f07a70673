"""Imports whose reader died: the outcome names every report that has been written."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.bundle import Bundle
from schemas.command import Import, Imported
from spool import bundle
from spool.entries import seal_report
from spool.spool import Spool
from stages.parse.counted_call import MAX_ATTEMPTS
from stages.parse.import_task import ImportPlan, write_plan
from stages.parse.imports import Imports
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners.settings import check_settings
from tests.ship.ship_spool import START, report, scan_id

COMMAND = "20261123T060301Z-3f9c2a17"
PRESENT, WRITTEN, MISSING = scan_id(1), scan_id(2), scan_id(3)
STATE = [f"{COMMAND}.plan", f"{COMMAND}.attempts"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A bundle of three reports: one was there before, one was written before the reader died."""
    spool = Spool(tmp_path / "spool")
    spool.claim("parse")
    entries = {scan_id(number): seal_report(report(number)) for number in (1, 2, 3)}
    index = Bundle(
        origin="0" * 64,
        hostname="offsite",
        exported_at=START,
        agent_version="1",
        reports=tuple(bundle.listed(one, entry) for one, entry in entries.items()),
    )
    packed = io.BytesIO()
    bundle.write(packed, index, entries.values())
    spool.commands.write_bundle(COMMAND, [packed.getvalue()])
    spool.commands.imports.write(COMMAND, Import(at=START))
    spool.reports.write(report(1))
    plan = ImportPlan(hostname="offsite", new=(WRITTEN, MISSING), present=(PRESENT,))
    write_plan(spool.state_store("parse"), COMMAND, plan)
    spool.reports.write(report(2))
    settings, problems = check_settings({})
    assert not problems
    log = Log("parse", stream=io.StringIO())
    yield Process("parse", settings, None, spool, log, NoDoorbell())
    spool.release()


def outcome(process: Process, deaths: int) -> Imported:
    for _ in range(deaths):
        process.state_store.start_attempt(COMMAND)
    imports = Imports(process)
    imports.take_in()
    imports.close()
    assert not set(STATE) & set(process.state_store.names())
    return process.spool.reports.imported.read(COMMAND)


def test_reports_that_were_written_before_the_reader_died_count_as_taken(process: Process) -> None:
    found = outcome(process, deaths=1)
    assert found.error is None
    assert (found.taken, found.present) == ((WRITTEN, MISSING), (PRESENT,))
    assert process.spool.reports.ids() == [PRESENT, WRITTEN, MISSING]


def test_an_import_that_is_given_up_names_the_reports_that_were_written(process: Process) -> None:
    found = outcome(process, deaths=MAX_ATTEMPTS)
    assert "died" in (found.error or "")
    assert (found.hostname, found.taken, found.present) == ("offsite", (WRITTEN,), (PRESENT,))
