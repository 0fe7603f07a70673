"""Notices: the command is run once for what an administrator should know, and for nothing else."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.report import RuleResult, RuleStatus
from stages.ship.notice_worker import report_notice, run_command
from tests.patchmon.scripted_server import ScriptedServer, reply
from tests.ship.ship_spool import Ship, report

Start = Callable[..., Ship]

SAVE = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read() + '\\n')"


def rule(number: int, status: RuleStatus) -> RuleResult:
    return RuleResult(rule_ref=f"rule_{number}", title=f"Rule {number}", status=status)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a ship stage whose notices are appended to a file."""
    started: list[Ship] = []

    def make(url: str | None = None, **notify: Any) -> Ship:
        command = [sys.executable, "-c", SAVE, str(tmp_path / "notices")]
        ship = Ship(tmp_path, url, notify={"command": command, **notify})
        started.append(ship)
        ship.stage.run_once()
        return ship

    yield make
    for ship in started:
        ship.close()


def notices(root: Path) -> list[dict[str, Any]]:
    path = root / "notices"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_worse_scan_is_given_notice_of_once_without_a_server(
    start: Start, tmp_path: Path
) -> None:
    ship = start()
    ship.put(report(1, results=(rule(1, "pass"), rule(2, "fail"))))
    ship.stage.run_once()
    assert notices(tmp_path) == []
    ship.put(report(2, results=(rule(1, "fail"), rule(2, "pass"))))
    ship.stage.run_once()
    ship.stage.run_once()
    (notice,) = notices(tmp_path)
    assert notice["event"] == "worse"
    assert notice["newly_failed"] == [
        {"rule_ref": "rule_1", "title": "Rule 1", "severity": "unknown"}
    ]
    assert (notice["newly_failed_count"], notice["fixed_count"]) == (1, 1)
    assert notice["message"].endswith("a rule of CIS fails that did not before")
    assert "notice sent" in ship.log


def test_a_failed_scan_is_given_notice_of_with_its_reason(start: Start, tmp_path: Path) -> None:
    ship = start()
    ship.put(report(1, status="failed"), report(2, status="cancelled"))
    ship.stage.run_once()
    (notice,) = notices(tmp_path)
    assert (notice["event"], notice["error"]) == ("failed", "the scanner crashed")


def test_a_scan_that_the_server_refuses_is_given_notice_of(
    start: Start, tmp_path: Path, server: ScriptedServer
) -> None:
    server.answer(reply(400, {"error": "Invalid scan"}))
    ship = start(server.url)
    ship.put(report(1, results=(rule(1, "pass"),)))
    ship.run_once()
    assert ship.answers == {1: "refused"}
    assert [notice["event"] for notice in notices(tmp_path)] == ["refused"]


def test_a_server_that_takes_nothing_is_given_notice_of_once(
    start: Start, tmp_path: Path, server: ScriptedServer
) -> None:
    server.answer(reply(401), reply(401))
    ship = start(server.url)
    ship.put(report(1, results=(rule(1, "pass"),)))
    ship.run_once(2)
    (notice,) = notices(tmp_path)
    assert (notice["event"], notice["scan_id"]) == ("refused", None)
    assert "nothing is delivered" in notice["message"]


def test_what_was_there_before_is_not_given_notice_of(start: Start, tmp_path: Path) -> None:
    before = Ship(tmp_path, None)
    before.put(report(1, status="failed"))
    before.close()
    ship = start()
    ship.stage.run_once()
    assert notices(tmp_path) == []


def test_reports_written_while_the_stage_was_down_are_given_notice_of(
    start: Start, tmp_path: Path
) -> None:
    ship = start()
    ship.close()
    ship.put(report(1, status="failed"))
    ship.start()
    ship.stage.run_once()
    assert [notice["event"] for notice in notices(tmp_path)] == ["failed"]


def test_only_the_events_of_the_settings_are_given_notice_of(start: Start, tmp_path: Path) -> None:
    ship = start(events=["worse"])
    ship.put(report(1, status="failed"))
    ship.stage.run_once()
    assert notices(tmp_path) == []


def test_a_command_that_fails_is_logged_with_what_it_wrote(start: Start) -> None:
    code = "import sys; sys.exit('no mail server\\x1b')"
    ship = start(command=[sys.executable, "-c", code])
    ship.put(report(1, status="failed"))
    ship.stage.run_once()
    assert "notify.command failed" in ship.log
    assert "ended with exit code 1: no mail server\\\\x1b" in ship.log


@pytest.mark.slow
def test_a_command_that_hangs_is_ended(start: Start) -> None:
    ship = start(command=["/bin/sleep", "1000"], time_limit_s=1)
    ship.put(report(1, status="failed"))
    ship.stage.run_once()
    assert "took longer than its limit of 1 s" in ship.log


def test_a_command_that_does_not_exist_is_logged() -> None:
    problem = run_command(("/no/such/program",), b"{}", 5)
    assert problem == "/no/such/program can't be started: No such file or directory"


def test_the_command_gets_none_of_the_stages_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    target = tmp_path / "environment"
    code = f"import os; open({str(target)!r}, 'w').write(repr(dict(os.environ)))"
    assert run_command((sys.executable, "-c", code), b"{}", 30) is None
    assert "secret" not in target.read_text()


def test_the_first_scan_of_a_profile_causes_no_notice() -> None:
    assert report_notice(report(1, results=(rule(1, "fail"),)), None, "host") is None


def test_a_notice_names_fifty_rules_at_most() -> None:
    before = report(1, results=tuple(rule(n, "pass") for n in range(80)))
    after = report(2, results=tuple(rule(n, "fail") for n in range(80)))
    notice = report_notice(after, before, "host")
    assert notice is not None
    assert (len(notice.newly_failed), notice.newly_failed_count) == (50, 80)
