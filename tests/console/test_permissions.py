"""Commands are refused where stages refuse the spool; `verify` names wrong owners and modes."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from spool.ownership import wrong_directories
from spool.spool import Spool
from tests.console.program import agent

pytestmark = pytest.mark.slow

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
OTHER = 65534


@pytest.fixture
def spool(config: Path, tmp_path: Path) -> Spool:
    agent("scan", config=config)
    return Spool(tmp_path / "spool")


def _wrong_mode(directory: str) -> str:
    if directory in ("spool", "commands"):
        return "lets other users write"
    return "gives other users access"


@pytest.mark.parametrize("name", [".", "commands", "requests", "history/raw", "state/ship"])
def test_a_command_for_a_spool_that_others_could_change_is_refused(
    spool: Spool, config: Path, name: str
) -> None:
    path = (spool.root / name).resolve()
    path.chmod(0o777)
    _refused(spool, config, path, f"mode 0777 {_wrong_mode(path.name)}: chmod 0750 {path}")


@ROOT_ONLY
@pytest.mark.parametrize("name", ["requests", "history/raw", "state/ship", "quarantine/reports"])
def test_a_command_for_a_spool_whose_stage_can_not_write_is_refused(
    spool: Spool, config: Path, name: str
) -> None:
    path = spool.root / name
    os.chown(path, OTHER, -1)
    _refused(spool, config, path, f"belongs to nobody, not to root: chown -R root {path}")


def test_every_command_that_writes_checks_the_spool_first(spool: Spool, config: Path) -> None:
    scan_id = spool.commands.requests.ids()[0]
    agent("hold", scan_id, config=config)
    spool.raw.path.chmod(0o777)
    before = spool.commands.names()
    for message in (("scan",), ("cancel",), ("retry",), ("release", "--all"), ("hold", scan_id)):
        assert "chmod 0750" in agent(*message, config=config, code=3).stderr
    assert spool.commands.names() == before


def _refused(spool: Spool, config: Path, path: Path, message: str) -> None:
    """By the command as by a stage; and `verify` names it."""
    before = spool.commands.names()
    assert f"{path}: {message}" in agent("scan", config=config, code=3).stderr
    assert spool.commands.names() == before
    (found,) = json.loads(agent("verify", "--json", config=config, code=1).stdout)
    assert (found["kind"], found["path"]) == ("access", str(path))
    assert found["message"].startswith(message)


@ROOT_ONLY
def test_a_user_whose_entries_stages_cannot_read_learns_who_may_give_commands(
    spool: Spool, config: Path
) -> None:
    subprocess.run(["chown", "-R", str(OTHER), str(spool.root)], check=True)
    assert (
        "belongs to nobody: give commands as nobody" in agent("scan", config=config, code=3).stderr
    )
    assert list(wrong_directories(spool.root)) == []


@ROOT_ONLY
@pytest.mark.parametrize("name", ["commands", ""])
def test_of_a_directory_with_a_wrong_owner_only_its_own_remedy_is_named(
    spool: Spool, config: Path, name: str
) -> None:
    wrong = spool.root / name
    os.chown(wrong, OTHER, -1)
    assert [fault.path for fault in spool.faults()] == [wrong]
    output = agent("verify", config=config, code=1).stdout
    assert "belongs to nobody, not to root: chown " in output
    assert f"root {wrong}" in output


@ROOT_ONLY
def test_an_entry_that_others_can_read_or_that_is_not_its_boxes_owners_is_named(
    spool: Spool, config: Path
) -> None:
    (name,) = spool.commands.names()
    path = spool.commands.path / name
    path.chmod(0o644)
    os.chown(path, OTHER, -1)
    assert [wrong.path for wrong in spool.faults()] == [path, path]
    output = agent("verify", config=config, code=1).stdout
    assert f"chmod 0640 {path}" in output
    assert f"chown -h root {path}" in output


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_a_spool_that_is_not_a_directory_is_refused(
    config: Path, tmp_path: Path, kind: str
) -> None:
    path, elsewhere = tmp_path / "spool", tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.touch() if kind == "file" else path.symlink_to(elsewhere)
    message = "is not a directory" if kind == "file" else "is a symlink"
    assert f"{path}: {message}" in agent("scan", config=config, code=3).stderr
    assert f"{path}: {message}" in agent("stage", "parse", config=config, code=3).stderr
    assert list(elsewhere.iterdir()) == [], "nothing is made in what is refused"
    assert agent("status", config=config, code=3).stderr.startswith("compliance-agent status: ")


def test_on_a_full_disk_a_request_is_refused_with_the_remedy(
    config: Path, small_disk: Path
) -> None:
    config.write_text(f"spool: {{path: {small_disk}/spool}}\n")
    agent("scan", config=config)
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        while _wrote(filler.write, bytes(1 << 16)):
            pass
        while _wrote(filler.write, bytes(1)):
            pass
    output = agent("scan", config=config, code=3).stderr
    assert "No space left on device; free some space; nothing was requested" in output
    assert "the work stays pending" not in output
    assert len(json.loads(agent("list", "--json", config=config).stdout)) == 1


def test_on_a_read_only_file_system_the_remedy_is_to_remount_it(
    config: Path, small_disk: Path
) -> None:
    config.write_text(f"spool: {{path: {small_disk}/spool}}\n")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    output = agent("scan", config=config, code=3).stderr
    assert "Read-only file system" in output
    assert "remount" in output
    assert "mkdir" not in output
    assert "remount" in agent("stage", "scan", config=config, code=3).stderr


def _wrote(write: Callable[[bytes], int], piece: bytes) -> bool:
    try:
        return write(piece) > 0
    except OSError:
        return False
