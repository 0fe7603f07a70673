"""Scans by the real oscap with content from different sources, to their reports."""

from pathlib import Path

import pytest

from schemas.ids import ScanId
from schemas.report import Report
from spool.spool import Spool
from stages.scanners.host import this_platform
from stages.scanners.openscap.content import LINUX
from tests.pipeline.agent import an_agent, until

pytestmark = pytest.mark.oscap
OLDER = Path("/usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml")


def scanned(**openscap: object) -> Report:
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"] = openscap
        agent.configure()
        scan_id = agent.ask()
        agent.start("trigger", "scan", "parse")
        until(lambda: agent.reported(scan_id), "a report")
        return agent.report(scan_id)


@pytest.fixture
def older_content(tmp_path: Path) -> Path:
    """A directory with the package's content of the release before this one."""
    host = this_platform()
    if (host.id, host.version) != ("debian", "12") or not OLDER.exists():
        pytest.skip("needs Debian 12 and its package ssg-debian")
    directory = tmp_path / "content"
    directory.mkdir()
    (directory / OLDER.name).symlink_to(OLDER)
    return directory


def test_where_only_older_content_is_installed_the_baseline_is_scanned_with_and_named_first(
    older_content: Path,
) -> None:
    report = scanned(content_dirs=[str(older_content)])
    assert report.status == "completed", report.error
    assert report.content is not None
    assert (report.content.path, report.content.fit) == (str(LINUX), "baseline")
    assert report.warnings[0].startswith(
        "this host is scanned with the built-in baseline for any Linux. "
    )
    assert report.summary.total_rules > report.summary.not_applicable


def test_without_the_fallback_older_content_gives_a_failed_scan(older_content: Path) -> None:
    report = scanned(content_dirs=[str(older_content)], content_fallback="none")
    assert report.status == "failed"
    assert (report.error or "").startswith("nothing applied: all ")
    assert report.content is not None
    assert report.content.fit == "older"
    assert "is for an older version" in report.warnings[0]


def test_the_compressed_datastream_of_ubuntus_guide_is_unpacked_and_scanned_with(
    captures: Path,
) -> None:
    file = captures / "usg-benchmarks/ubuntu2204_CIS_1/ssg-ubuntu2204-ds.xml.gz"
    if this_platform().id == "ubuntu":
        pytest.skip("expects a host for which nothing in it applies")
    report = scanned(content=str(file), profile="cis_level1_server")
    assert report.content is not None
    assert report.content.path == str(file)
    assert report.status == "failed"
    assert (report.error or "").startswith("nothing applied: all ")


def test_content_that_fills_the_disk_when_it_is_unpacked_counts_as_a_scan_that_does(
    captures: Path, small_disk: Path
) -> None:
    (small_disk / "ballast").write_bytes(bytes(14 << 20))
    file = captures / "usg-benchmarks/ubuntu2204_CIS_1/ssg-ubuntu2204-ds.xml.gz"
    with an_agent() as agent:
        path = str(small_disk / "spool")
        agent.settings["spool"] = {"path": path, "check_every_s": 0.5, "min_free_mib": 4}
        agent.settings["compliance"]["openscap"] = {"content": str(file)}
        agent.configure()
        scan_id = agent.run("scan").strip()
        agent.start("trigger", "scan", "parse")
        spool = Spool(small_disk / "spool")
        until(lambda: scan_id in spool.reports.ids(), "a report")
        assert "a scan filled the disk: free some space" in agent.log("scan")
        assert "filled the disk" in (spool.reports.read(ScanId(scan_id)).error or "")
