"""The file for node_exporter, kept by the ship stage."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.report import RuleResult
from tests.patchmon.scripted_server import ScriptedServer
from tests.ship.ship_spool import Ship, report

pytestmark = pytest.mark.slow


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "textfile"
    found.mkdir()
    return found


@pytest.fixture
def ship(tmp_path: Path, directory: Path, server: ScriptedServer) -> Iterator[Ship]:
    one = Ship(tmp_path, server.url, metrics={"textfile": str(directory)})
    yield one
    one.close()


def test_the_file_shows_the_newest_scan_and_anyone_may_read_it(ship: Ship, directory: Path) -> None:
    passed = RuleResult(rule_ref="a", title="A", status="pass")
    failed = RuleResult(rule_ref="b", title="B", status="fail", severity="high")
    ship.put(report(1, results=(passed, failed)))
    ship.run_once()
    path = directory / "compliance_agent.prom"
    text = path.read_text()
    assert 'compliance_score_percent{profile="CIS",scanner="openscap"} 50.0' in text
    assert 'compliance_failed_rules{profile="CIS",scanner="openscap",severity="high"} 1.0' in text
    assert 'compliance_agent_pending_scans{stage="ship"} 0.0' in text
    assert 'compliance_agent_last_answer{answer="accepted"} 1.0' in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(directory.iterdir()) == [path]


def test_a_failed_scan_hides_no_good_one(ship: Ship, directory: Path) -> None:
    ship.put(report(1, results=(RuleResult(rule_ref="a", title="A", status="pass"),)))
    ship.put(report(2, status="failed"))
    ship.run_once()
    text = (directory / "compliance_agent.prom").read_text()
    assert 'compliance_last_scan_completed{profile="CIS",scanner="openscap"} 0.0' in text
    assert 'compliance_score_percent{profile="CIS",scanner="openscap"} 100.0' in text


def test_a_directory_that_is_missing_is_logged_once_and_stops_nothing(
    ship: Ship, directory: Path
) -> None:
    directory.rmdir()
    ship.put(report(1))
    ship.run_once()
    ship.stage.run_once()
    assert ship.log.count("metrics.textfile can't be written") == 1
    assert ship.answers == {1: "accepted"}


def test_nothing_is_written_again_where_nothing_has_changed(ship: Ship, directory: Path) -> None:
    ship.run_once()
    path = directory / "compliance_agent.prom"
    before = path.stat().st_ino
    ship.stage.run_once()
    assert path.stat().st_ino == before
