"""`submit` without stages: what an operator reads about files that can't be submitted."""

import json
from pathlib import Path

import pytest

from spool.spool import Spool
from stages.console.delivery import submit
from stages.console.sources import open_sources
from stages.runtime.command_error import CommandError
from tests.console.program import agent
from tests.pipeline.test_submit import write_arf

pytestmark = pytest.mark.slow


def names(config: Path) -> list[str]:
    commands = config.parent / "spool" / "commands"
    if not commands.exists():
        return []
    return sorted(path.name for path in commands.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "is not scanner output"),
        (b"", "the file is empty"),
        (b"<?xml version='1.0'?><asset-report-collection><x", "the XML is broken or cut off"),
    ],
)
def test_what_is_not_a_result_is_named_and_nothing_is_written(
    config: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "arf.xml"
    file.write_bytes(content)
    done = agent("submit", str(file), config=config, code=1)
    assert done.stderr.startswith(f"compliance-agent submit: {file}: ")
    assert message in done.stderr
    assert names(config) == []


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "arf.xml"
    file.write_bytes(b"x" * 2000)
    monkeypatch.setattr(submit, "MAX_BYTES", 1000)
    with (
        open_sources([file], 1000) as sources,
        pytest.raises(CommandError, match="more than 1000 bytes"),
    ):
        list(submit._chunks(sources[0]))


def test_a_scan_of_the_future_is_refused(config: Path, tmp_path: Path) -> None:
    file = write_arf(tmp_path / "arf.xml", at="2099-01-01T00:00:00+00:00")
    done = agent("submit", str(file), config=config, code=1)
    assert "in the future: check the clock" in done.stderr
    assert names(config) == []


def test_a_dry_run_shows_the_scan_and_writes_nothing(config: Path, tmp_path: Path) -> None:
    file = write_arf(tmp_path / "arf.xml", host="web2.example.com")
    done = agent("submit", str(file), "--dry-run", config=config)
    assert "The standard profile" in done.stdout
    assert "web2.example.com, another host" in done.stdout
    assert names(config) == []


def test_a_submission_is_removed_by_a_later_command_once_it_was_taken_in(
    config: Path, tmp_path: Path
) -> None:
    file = write_arf(tmp_path / "arf.xml")
    view = json.loads(agent("submit", str(file), "--json", config=config).stdout)
    scan_id = view["scan_id"]
    assert names(config) == [f"{scan_id}.bundle", f"{scan_id}.submission"]
    spool = Spool(config.parent / "spool")
    (spool.raw.path / scan_id).mkdir()
    agent("retry", config=config)
    assert f"{scan_id}.submission" not in names(config)
    assert f"{scan_id}.bundle" not in names(config)


def test_a_killed_submission_leaves_no_hold_for_the_next_one(config: Path, tmp_path: Path) -> None:
    file = write_arf(tmp_path / "arf.xml", host="web2.example.com")
    view = json.loads(agent("submit", str(file), "--json", config=config).stdout)
    assert view["held"]
    scan_id = view["scan_id"]
    # As after a kill between the hold and the command.
    (config.parent / "spool" / "commands" / f"{scan_id}.submission").unlink()
    agent("submit", str(file), "--as-this-host", config=config)
    assert names(config) == [f"{scan_id}.bundle", f"{scan_id}.submission"]


def test_cancel_without_names_leaves_submissions_alone(config: Path, tmp_path: Path) -> None:
    agent("submit", str(write_arf(tmp_path / "arf.xml")), config=config)
    done = agent("cancel", config=config, code=1)
    assert "no scan is waiting or running" in done.stderr


@pytest.mark.parametrize(
    ("own", "other", "same"),
    [
        ("web1", "web1", True),
        ("web1", "WEB1.example.com", True),
        ("web1.example.com", "web1", True),
        ("web1.example.com", "web1.example.org", False),
        ("web1", "web2", False),
    ],
)
def test_a_name_without_a_domain_means_the_host_in_any(
    monkeypatch: pytest.MonkeyPatch, own: str, other: str, same: bool
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: own)
    assert submit.is_this_host(other) is same
