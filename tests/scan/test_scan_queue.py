"""What the scan stage takes for answered: nothing is scanned twice, whatever part of the spool was
lost.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas import codec
from schemas.ids import ScanId, new_scan_id
from schemas.manifest import Manifest
from schemas.request import Reason, Request
from spool import frame
from spool.errors import EntryDamagedError
from spool.spool import Spool
from stages.scan.scan_queue import ScanQueue
from tests.pipeline.agent import an_agent, until

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


def requested(spool: Spool, token: str) -> ScanId:
    scan_id = new_scan_id("openscap", AT, token)
    reason = Reason(source="operator", at=AT)
    spool.requests.write(Request(scan_id=scan_id, scanner="openscap", reason=reason))
    return scan_id


def test_a_raw_entry_alone_answers_a_request(spool: Spool) -> None:
    """What the stages behind have written, an empty report or a receipt, shows nothing."""
    scanned, reported, delivered, new = (
        requested(spool, f"0000000{number}") for number in range(4)
    )
    spool.raw.publish(
        Manifest(
            scan_id=scanned,
            scanner="openscap",
            outcome="failed",
            started_at=AT,
            completed_at=AT,
            agent_version="1",
        )
    )
    (spool.reports.path / f"{reported}.report").write_bytes(b"")
    (spool.receipts.path / f"{delivered}.receipt").write_bytes(b"")
    assert ScanQueue(spool).waiting() == [reported, delivered, new]
    # What has an answer is not what a new request is answered by.
    assert ScanQueue(spool).next() == new


def test_a_raw_entry_in_quarantine_is_an_answer_too(spool: Spool) -> None:
    damaged, new = requested(spool, "00000000"), requested(spool, "00000001")
    (spool.raw.path / damaged).mkdir()
    spool.raw.quarantine(damaged, "20261123T060400Z-00000001", "SHA-256 differs")
    assert ScanQueue(spool).waiting() == [new]


@pytest.mark.parametrize(
    ("scan_id", "scanner"),
    [
        ("20261123T060301Z-openscap-00000009", "openscap"),
        ("--privileged", "openscap"),
        ("", "docker-bench"),
    ],
)
def test_a_request_of_another_scan_than_its_name_says_is_damage(
    spool: Spool, scan_id: str, scanner: str
) -> None:
    name = new_scan_id("openscap", AT, "00000000")
    reason = Reason(source="operator", at=AT)
    other = Request(scan_id=ScanId(scan_id or name), scanner=scanner, reason=reason)
    sealed = frame.seal("request", codec.encode(other))
    (spool.requests.path / f"{name}.request").write_bytes(sealed)
    with pytest.raises(EntryDamagedError, match="is the request of"):
        spool.requests.read(name)


@pytest.mark.oscap
def test_where_raw_entries_were_lost_a_new_request_is_not_answered_by_an_old_report() -> None:
    with an_agent() as agent:
        old = agent.ask("all_pass")
        agent.start("trigger", "scan", "parse")
        until(lambda: agent.reported(old), "a report")
        agent.kill("scan")
        shutil.rmtree(agent.spool.raw.path)
        new = agent.ask("all_pass")
        agent.start("scan")
        until(lambda: agent.reported(new), "a report of the new scan")
        assert (agent.report(new).status, agent.report(new).answered_by) == ("completed", None)


@pytest.mark.oscap
def test_every_report_warns_that_the_content_does_not_fit_also_a_failed_and_a_merged_one(
    tmp_path: Path,
) -> None:
    """The content by the name of an older version of this host's system."""
    from stages.scanners.host import this_platform
    from stages.scanners.openscap.content import EVERY_RESULT
    from stages.scanners.openscap.products import product_of

    host = this_platform()
    product, version = product_of(host)
    if not version.isdigit():
        pytest.skip("this system has no versions")
    (tmp_path / f"ssg-{product}{int(version) - 1}-ds.xml").symlink_to(EVERY_RESULT)
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"] = {"content_dirs": [str(tmp_path)]}
        agent.configure()
        scans = [agent.ask(profile) for profile in ("slow", "slow", "no_such_profile", "all_pass")]
        agent.start("trigger", "scan", "parse")
        until(lambda: all(agent.reported(scan_id) for scan_id in scans), "reports")
        reports = [agent.report(scan_id) for scan_id in scans]
        assert sorted(report.status for report in reports) == [
            "completed",
            "completed",
            "failed",
            "merged",
        ]
        for report in reports:
            assert any("is for an older version" in warning for warning in report.warnings), (
                report.status
            )
