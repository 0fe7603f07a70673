"""`compare` and `trend` as an operator calls them."""

import csv
import io
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from schemas import codec
from schemas.ids import ScanId
from schemas.manifest import TailoringFile
from schemas.report import Report, RuleStatus
from spool.spool import Spool
from stages.formats.kept_scans import has_same_profile
from tests.console.program import agent
from tests.formats import reports
from tests.formats.reports import rule

pytestmark = pytest.mark.slow


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool that the stages have not touched: only its reports matter here."""
    found = Spool(tmp_path / "spool")
    found.claim("parse")
    return found


def keep(spool: Spool, day: int, *statuses: RuleStatus, error: str | None = None) -> Report:
    """The scan of a day: one rule for each status."""
    at = reports.STARTED + timedelta(days=day)
    results = [rule(f"r{number}", status) for number, status in enumerate(statuses)]
    scan_id = ScanId(f"{at:%Y%m%dT%H%M%SZ}-openscap-3f9c2a17")
    status = "failed" if error else "completed"
    report = reports.report(
        *results,
        scan_id=scan_id,
        at=at,
        status=status,  # type: ignore[arg-type]
        error=error,
    )
    spool.reports.write(report)
    return report


def as_written_by_a_later_version(path: Path) -> None:
    """The second field of an entry's first line is its format."""
    fields = path.read_bytes().split(b" ", 2)
    path.write_bytes(b" ".join([fields[0], b"2", fields[2]]))


def test_the_last_scan_is_compared_with_the_one_before(spool: Spool, config: Path) -> None:
    keep(spool, 0, "fail", "pass")
    keep(spool, 1, "pass", "pass")
    keep(spool, 2, "pass", "fail")
    done = agent("compare", config=config, code=1)
    assert agent("compare", "last", config=config, code=1).stdout == done.stdout
    assert "Worse: 1 newly failed" in done.stdout
    assert "Ensure r1 is right [r1]" in done.stdout
    found = json.loads(agent("compare", "--json", config=config, code=1).stdout)
    assert [change["rule_ref"][-2:] for change in found["newly_failed"]] == ["r1"]


def test_a_scan_that_is_not_worse_is_exit_code_0(spool: Spool, config: Path) -> None:
    keep(spool, 0, "fail", "pass")
    keep(spool, 1, "pass", "pass")
    assert "Not worse: 1 fixed" in agent("compare", config=config).stdout


def test_a_failed_scan_is_passed_over_as_the_one_before(spool: Spool, config: Path) -> None:
    first = keep(spool, 0, "pass")
    keep(spool, 1, error="the scanner crashed")
    keep(spool, 2, "fail")
    found = json.loads(agent("compare", "--json", config=config, code=1).stdout)
    assert found["before"]["scan_id"] == first.scan_id


def test_a_request_that_another_scan_answered_is_not_the_last(spool: Spool, config: Path) -> None:
    keep(spool, 0, "pass")
    second = keep(spool, 1, "fail")
    at = reports.STARTED + timedelta(days=2)
    merged = reports.report(
        status="merged", scan_id=ScanId(f"{at:%Y%m%dT%H%M%SZ}-openscap-3f9c2a17"), at=at
    )
    spool.reports.write(merged)
    found = json.loads(agent("compare", "--json", config=config, code=1).stdout)
    assert found["after"]["scan_id"] == second.scan_id


def test_two_scans_can_be_named(spool: Spool, config: Path) -> None:
    first = keep(spool, 0, "fail")
    second = keep(spool, 1, "pass")
    keep(spool, 2, "fail")
    assert first.scan_id
    assert second.scan_id
    agent("compare", first.scan_id, second.scan_id, config=config)
    agent("compare", second.scan_id, first.scan_id, config=config, code=1)


def test_a_scan_that_is_not_there_is_named(spool: Spool, config: Path) -> None:
    assert "there is no report yet" in agent("compare", config=config, code=1).stderr
    keep(spool, 0, "pass")
    assert "no earlier completed scan of CIS" in agent("compare", config=config, code=1).stderr
    done = agent("compare", "nonsense", "last", config=config, code=1)
    assert "no report of scan nonsense" in done.stderr


def test_each_failure_is_followed_back(spool: Spool, config: Path) -> None:
    keep(spool, 0, "fail", "pass")
    keep(spool, 1, "fail", "fail")
    keep(spool, 2, "fail", "fail")
    text = agent("compare", "--since-good", config=config, code=1).stdout
    assert "it fails in every kept scan" in text
    assert "fails since 2026-11-24 06:03" in text
    assert "last good   2026-11-23 06:03" in text
    ages = json.loads(agent("compare", "--since-good", "--json", config=config, code=1).stdout)
    assert len(ages) == 2


def test_the_page_is_written_for_its_owner_alone(
    spool: Spool, config: Path, tmp_path: Path
) -> None:
    keep(spool, 0, "pass")
    keep(spool, 1, "fail")
    page = tmp_path / "comparison.html"
    agent("compare", "--format", "html", "-o", str(page), config=config, code=1)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_named(spool: Spool, config: Path) -> None:
    keep(spool, 0, "pass")
    done = agent("trend", "-o", "/no/such/directory/file", config=config, code=2)
    assert "/no/such/directory/file: can't be written: No such file or directory" in done.stderr


def test_the_trend_is_a_sparkline_and_a_line_per_scan(spool: Spool, config: Path) -> None:
    keep(spool, 0, "fail", "fail")
    keep(spool, 1, "pass", "fail")
    keep(spool, 2, "pass", "pass")
    text = agent("trend", config=config).stdout
    assert "▁▅█" in text
    assert text.count("2026-11-") == 3
    (trend,) = json.loads(agent("trend", "--json", config=config).stdout)
    assert [point["score"] for point in trend["points"]] == [0.0, 50.0, 100.0]
    rows = list(
        csv.DictReader(io.StringIO(agent("trend", "--format", "csv", config=config).stdout))
    )
    assert [row["failed_medium"] for row in rows] == ["2", "1", "0"]


def test_a_damaged_report_hides_no_other(spool: Spool, config: Path) -> None:
    keep(spool, 0, "pass")
    damaged = keep(spool, 1, "pass")
    assert damaged.scan_id
    path = spool.reports.path / f"{damaged.scan_id}.report"
    path.write_bytes(path.read_bytes()[:-1])
    done = agent("trend", "--json", config=config)
    assert len(json.loads(done.stdout)[0]["points"]) == 1
    assert f"{damaged.scan_id}: its report can't be read" in done.stderr


def test_a_profile_that_no_scan_has_is_an_answer(spool: Spool, config: Path) -> None:
    keep(spool, 0, "pass")
    assert agent("trend", "--profile", "cis level", config=config).stdout
    assert "no scan of such a profile" in (
        agent("trend", "--profile", "stig", config=config, code=1).stderr
    )


def test_a_terminal_without_unicode_gets_escapes(
    spool: Spool, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(spool, 0, "pass")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "score             \\u2588" in agent("trend", config=config).stdout


def test_a_report_of_a_newer_format_is_named_and_hides_no_other(spool: Spool, config: Path) -> None:
    keep(spool, 0, "pass")
    newer = keep(spool, 1, "fail")
    assert newer.scan_id
    as_written_by_a_later_version(spool.reports.path / f"{newer.scan_id}.report")
    done = agent("trend", "--json", config=config)
    assert len(json.loads(done.stdout)[0]["points"]) == 1
    assert f"{newer.scan_id}: its report can't be read" in done.stderr
    for command in (("show", "last", "--format", "html"), ("compare",)):
        assert "format 2" in agent(*command, config=config, code=3).stderr
    assert "compliance_score_percent{profile=" in agent("metrics", config=config).stdout


def test_a_tailored_profile_is_not_compared_with_the_profile_whose_id_it_keeps(
    spool: Spool,
) -> None:
    plain, file = keep(spool, 1, "pass"), TailoringFile(path="/etc/t.xml", sha256="0" * 64)
    tailored = codec.replace(plain, tailoring=file)
    assert has_same_profile(plain, plain)
    assert has_same_profile(tailored, tailored)
    assert not has_same_profile(plain, tailored)
