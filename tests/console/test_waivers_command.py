"""`waivers` and `waive` as an administrator calls them."""

import json
import stat
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from spool.spool import Spool
from stages.console import waive
from stages.console.context import Context
from stages.scanners.settings import parse_settings
from tests.console.program import agent
from tests.formats import reports
from tests.formats.reports import rule

pytestmark = pytest.mark.slow

REASON = ("--reason", "legacy host")
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=365)).date()
UNTIL = ("--until", str(NEXT_YEAR))


@pytest.fixture
def directory(tmp_path: Path, config: Path) -> Path:
    settings = json.loads(config.read_text())
    path = tmp_path / "waivers.d"
    settings["compliance"] = {"waivers": {"directory": str(path)}}
    config.write_text(json.dumps(settings))
    return path


@pytest.fixture
def scanned(tmp_path: Path) -> Spool:
    """A spool in which one rule fails and one passes."""
    spool = Spool(tmp_path / "spool")
    spool.claim("parse")
    spool.reports.write(reports.report(rule("umask", "fail"), rule("shadow", "pass")))
    return spool


def states(config: Path) -> dict[str, str]:
    listed = json.loads(agent("waivers", "--json", config=config).stdout)["waivers"]
    return {each["waiver"]["rule"]: each["state"] for each in listed}


def test_waive_writes_a_waiver_that_waivers_lists(directory: Path, config: Path) -> None:
    agent(
        "waive",
        "umask",
        *UNTIL,
        *REASON,
        "--approved-by",
        "Ann",
        "--ticket",
        "OPS-7",
        config=config,
    )
    shown = agent("waivers", config=config).stdout
    for text in ("umask", str(NEXT_YEAR), "Ann", "legacy host"):
        assert text in shown
    assert stat.S_IMODE((directory / "local.yml").stat().st_mode) == 0o644


def test_waive_keeps_what_the_file_has_with_its_comments(directory: Path, config: Path) -> None:
    agent("waive", "umask", *UNTIL, *REASON, config=config)
    path = directory / "local.yml"
    path.write_text(f"# reviewed\n{path.read_text().rstrip()}")
    agent("waive", "shadow", *UNTIL, *REASON, config=config)
    assert path.read_text().startswith("# reviewed\n- rule: ")
    assert set(states(config)) == {"umask", "shadow"}
    assert [each.name for each in directory.iterdir()] == ["local.yml"]


def test_the_same_waiver_again_changes_nothing(directory: Path, config: Path) -> None:
    agent("waive", "umask", *UNTIL, *REASON, config=config)
    before = (directory / "local.yml").read_text()
    agent("waive", "umask", *UNTIL, *REASON, config=config)
    assert (directory / "local.yml").read_text() == before


def test_waivers_of_a_team_are_in_a_file_of_their_own(directory: Path, config: Path) -> None:
    agent("waive", "umask", *UNTIL, *REASON, "--file", "dba", config=config)
    assert (directory / "dba.yml").exists()


def test_of_several_at_once_none_is_lost(directory: Path, config: Path) -> None:
    settings, _ = parse_settings(config.read_bytes())
    context = Context(settings, config, json=True)
    parser = ArgumentParser()
    waive.add_arguments(parser)
    rules = [f"rule_{number}" for number in range(24)]
    together = Barrier(4)

    def waive_some(names: list[str]) -> None:
        together.wait()
        for name in names:
            waive.run(parser.parse_args([name, *UNTIL, *REASON]), context)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(waive_some, rules[first::4]) for first in range(4)]:
            done.result()
    assert set(states(config)) == set(rules)


def test_a_file_that_is_there_keeps_its_mode_and_stays_behind_its_link(
    directory: Path, config: Path, tmp_path: Path
) -> None:
    managed = tmp_path / "managed.yml"
    managed.write_text("# managed\n")
    managed.chmod(0o600)
    directory.mkdir()
    (directory / "local.yml").symlink_to(managed)
    agent("waive", "umask", *UNTIL, *REASON, config=config)
    assert (directory / "local.yml").is_symlink()
    assert managed.read_text().startswith("# managed\n- rule: ")
    assert stat.S_IMODE(managed.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "before",
    [
        "[]\n",
        "  - {rule: a, reason: r, approved_by: Ann, expires: 2099-01-01}\n",
    ],
)
def test_a_list_that_has_no_end_to_write_at_is_named_as_such_and_stays(
    before: str, directory: Path, config: Path
) -> None:
    directory.mkdir()
    path = directory / "local.yml"
    path.write_text(before)
    path.chmod(0o644)
    refused = agent("waive", "umask", *UNTIL, *REASON, config=config, code=2).stderr
    assert f"{path}: its list can't be continued at the end of the file" in refused
    assert '- rule: "umask"' in refused
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("*", *UNTIL, *REASON), "--yes-all"),
        (("umask", *REASON), "--until: is missing"),
        (("umask", *REASON, "--until", "soon"), "--until: must be a date like 2027-03-31"),
        (
            ("umask", *REASON, "--until", "2026-13-45"),
            "--until: must be a date like 2027-03-31; it is 2026-13-45: month must be in 1..12",
        ),
        (("umask", *REASON, "--until", "31.12.2027"), "like 2027-03-31; it is 31.12.2027"),
        (("umask", *REASON, "--until", "2020-01-01"), "is in the past"),
        (("umask", *UNTIL, *REASON, "--file", "../x"), "must be a name without /"),
        (("umask", *UNTIL, "--reason", ""), "reason: must be"),
    ],
)
def test_a_waiver_with_a_mistake_is_refused_and_writes_nothing(
    arguments: tuple[str, ...], message: str, directory: Path, config: Path
) -> None:
    assert message in agent("waive", *arguments, config=config, code=2).stderr
    assert not directory.exists()


def test_a_waiver_for_everything_is_written_when_it_is_confirmed(
    directory: Path, config: Path, scanned: Spool
) -> None:
    agent("waive", "*", *UNTIL, *REASON, "--yes-all", config=config)
    assert directory.exists()
    assert states(config) == {"*": "in use"}


def test_a_contradicting_waiver_is_refused_with_the_line_of_the_other(
    directory: Path, config: Path
) -> None:
    agent("waive", "umask", *UNTIL, *REASON, config=config)
    before = (directory / "local.yml").read_text()
    refused = agent("waive", "umask", *UNTIL, "--reason", "other", config=config, code=2)
    assert f"{directory / 'local.yml'}, line 1" in refused.stderr
    assert (directory / "local.yml").read_text() == before


def test_a_waiver_that_contradicts_another_file_is_refused(directory: Path, config: Path) -> None:
    agent("waive", "umask", *UNTIL, *REASON, "--file", "dba", config=config)
    refused = agent("waive", "umask", *UNTIL, "--reason", "other", config=config, code=2)
    assert f"contradicts {directory / 'dba.yml'}, line 1" in refused.stderr
    assert [each.name for each in directory.iterdir()] == ["dba.yml"]


def test_each_waiver_is_listed_with_what_it_does(
    directory: Path, config: Path, scanned: Spool
) -> None:
    for waived in ("umask", "shadow", "unknown"):
        agent("waive", waived, *UNTIL, *REASON, config=config)
    agent("waive", "uma?k", *REASON, "--until", str(datetime.now(UTC).date()), config=config)
    agent("waive", "umas?", *UNTIL, *REASON, "--profile", "another", config=config)
    with (directory / "local.yml").open("a") as stream:
        stream.write("- {rule: 'um?sk', reason: old, approved_by: Ann, expires: 2020-01-01}\n")
    assert states(config) == {
        "umask": "in use",
        "shadow": "rule passes",
        "unknown": "matches nothing",
        "uma?k": "expires soon",
        "umas?": "not scanned",
        "um?sk": "expired",
    }


def test_a_rule_that_no_scan_has_is_waived_with_a_suggestion(
    directory: Path, config: Path, scanned: Spool
) -> None:
    done = agent("waive", "umsk", *UNTIL, *REASON, config=config)
    assert "did you mean umask?" in done.stderr


def test_check_names_every_problem_of_a_file(tmp_path: Path, config: Path) -> None:
    path = tmp_path / "new.yml"
    path.write_text("- rule: umask\n- rule: '*'\n  reason: all\n  expires: 2027-01-01\n")
    path.chmod(0o644)
    shown = agent("waivers", "check", str(path), config=config, code=2).stdout
    assert f"{path}, line 1: reason: is missing" in shown
    assert f"{path}, line 2: rule: fits every rule" in shown
    path.write_text("- {rule: umask, reason: old, approved_by: Ann, expires: 2027-01-01}\n")
    assert "1 waiver, no problems" in agent("waivers", "check", str(path), config=config).stdout


def test_without_waivers_and_without_a_spool_the_list_is_empty(
    directory: Path, config: Path
) -> None:
    assert f"no waivers in {directory}" in agent("waivers", config=config).stdout
