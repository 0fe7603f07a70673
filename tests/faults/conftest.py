"""A quick agent, whose file operations can be made to fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from tests.conftest import missing
from tests.faults.quick_agent import QuickAgent, a_quick_agent
from tests.torture.disk_faults import DiskFaults, NoCompilerError, disk_faults


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(Policy(posts_per_minute=10_000), database=tmp_path / "receiver.db") as receiver:
        yield receiver


@pytest.fixture
def agent(server: Receiver) -> Iterator[QuickAgent]:
    with a_quick_agent(server) as agent:
        yield agent


@pytest.fixture
def faults(agent: QuickAgent) -> Iterator[DiskFaults]:
    """Faults of the stages that are started by `agent.start_with`."""
    try:
        with disk_faults(agent.spool.root, agent.home) as faults:
            yield faults
            agent.kill_all()
    except NoCompilerError as error:
        missing(str(error))
