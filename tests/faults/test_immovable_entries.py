"""An entry that can't be moved or removed, because it is immutable, concerns itself alone."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from schemas.ids import ScanId
from schemas.request import Reason, Request
from schemas.settings import Settings, SpoolSettings
from spool.spool import Spool
from stages.runtime import maintenance
from stages.runtime.logs import Log
from tests.conftest import missing
from tests.faults.quick_agent import a_quick_agent
from tests.pipeline.agent import until

pytestmark = pytest.mark.timeout(240)


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    if shutil.which("chattr") is None:
        missing("chattr (apt-get install e2fsprogs)")
    if subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@pytest.mark.parametrize("command", ["damaged", "replayed"])
def test_a_report_that_can_not_be_moved_away_holds_up_no_other(command: str) -> None:
    with a_quick_agent() as agent:
        bad = agent.request()
        agent.start("trigger", "scan", "parse")
        until(lambda: agent.reported(bad), "parsed")
        report = agent.home / "spool" / "reports" / f"{bad}.report"
        if command == "damaged":
            report.write_bytes(report.read_bytes()[:50])
        with immutable(report):
            if command == "damaged":
                agent.start("ship")
            else:
                agent.run("replay", "parse", bad)
            until(lambda: "reason=" in agent.log("parse"), "the parse stage has tried it")
            good = [agent.request() for _ in range(3)]
            until(lambda: all(map(agent.reported, good)), "the others are parsed")
            assert agent.log("parse").count("see lsattr and findmnt") == 1
            assert list((agent.home / "spool" / "quarantine" / "reports").iterdir()) == []


def test_an_old_entry_that_can_not_be_removed_lets_the_others_expire(tmp_path: Path) -> None:
    spool, log = Spool(tmp_path / "spool"), StringIO()
    spool.prepare()
    old = [ScanId(f"20260601T00000{n}Z-openscap-0000000a") for n in range(4)]
    at = datetime(2026, 6, 1, tzinfo=UTC)
    for scan_id in old:
        reason = Reason(source="operator", at=at)
        spool.requests.write(Request(scan_id=scan_id, scanner="openscap", reason=reason))
        (spool.raw.path / scan_id).mkdir()
        (spool.reports.path / f"{scan_id}.report").touch()
        (spool.receipts.path / f"{scan_id}.receipt").touch()
    settings = Settings(spool=SpoolSettings(keep_days=0, keep_last=1))
    kept = f"{old[0]}.request"
    with immutable(spool.requests.path / kept):
        removed = maintenance.expire(spool, "trigger", settings, Log("trigger", stream=log))
    assert removed == [f"{scan_id}.request" for scan_id in old[1:3]]
    assert spool.requests.names() == [kept, f"{old[3]}.request"]
    assert log.getvalue().count("old entry can't be removed") == 1
    assert maintenance.expire(spool, "trigger", settings, Log("trigger")) == [kept]
