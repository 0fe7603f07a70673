"""An entry that the disk refuses to read delays itself alone, in every box."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.ids import ScanId
from spool.layout import STAGES, UPSTREAM, Stage
from tests.pipeline.agent import Agent, until


@contextmanager
def bad_sector(path: Path) -> Iterator[None]:
    """Reading this file fails with EIO: the first page of a process's memory is never there."""
    memory = f"/proc/{os.getpid()}/mem"
    done = subprocess.run(["mount", "--bind", memory, path], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("can't mount here")
    try:
        with path.open("rb") as stream, pytest.raises(OSError, match="Input/output error"):
            stream.read(1)
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def file_of(agent: Agent, box: str, scan_id: ScanId) -> Path:
    """The file by which an entry is read first."""
    directory = agent.home / "spool" / box
    if box == "raw":
        return directory / scan_id / "manifest"
    (found,) = directory.glob(f"{scan_id}.*")
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize("stage", STAGES)
def test_an_entry_on_a_bad_sector_is_set_aside_and_read_when_it_can_be(
    agent: Agent, stage: Stage
) -> None:
    box, before = UPSTREAM[stage], STAGES[: STAGES.index(stage)]
    bad = agent.ask()
    if before:
        agent.start(*before)
        until(lambda: bad in agent.spool.outbox(box).scan_ids(), "the entry is there")
    with bad_sector(file_of(agent, box, bad)):
        agent.start(*STAGES[len(before) :])
        good = agent.ask()
        until(lambda: agent.received(good), "the next one goes on")
        assert not agent.received(bad)
        until(lambda: agent.spool.state_store(stage).unreadable(), "set aside")

        assert "set aside" in agent.run("status")
        assert "Input/output error" in agent.run("list", "--wide")
        assert f"set aside by the {stage} stage" in agent.run("verify", code=1)
    # It would be tried again within a minute.
    agent.kill(stage)
    agent.start(stage)
    until(lambda: agent.received(bad), "read again")
    assert agent.spool.state_store(stage).unreadable() == {}
